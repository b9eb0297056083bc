"""The sections of the Training module's panel: Qt, yes; each calls one logic method a button."""
