"""Only pages of this server, opened on this computer, may talk to it."""

from aiohttp import web

HOST = "127.0.0.1"


def guard(application: web.Application) -> None:
    """Refuse requests that another web site makes in the user's browser.

    Listening on the loopback interface keeps other computers out, but not the pages that the browser has open beside
    ours. They give themselves away by the Origin of their WebSocket, or, after DNS rebinding, by the Host they ask for.
    """

    @web.middleware
    async def middleware(request: web.Request, handler):
        port = request.transport.get_extra_info("sockname")[1]
        hosts = {f"{name}:{port}" for name in (HOST, "localhost")}
        origin = request.headers.get("Origin")
        if request.host not in hosts or (origin is not None and origin.removeprefix("http://") not in hosts):
            raise web.HTTPForbidden(text="This server answers its own page only.")
        return await handler(request)

    application.middlewares.append(middleware)
