// Files on their way from the user to the server. An entry is a file and its path below what was chosen.

async function x2ctBelow(item) {
  if (item.isFile) {
    const file = await new Promise((resolve, reject) => item.file(resolve, reject));
    return [[file, item.fullPath.slice(1)]];
  }
  const reader = item.createReader();
  const entries = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return entries;
    for (const each of some) entries.push(...(await x2ctBelow(each)));
  }
}

// Of files that are too large, the server gets names and sizes only, and says what is wrong with them.
function x2ctSend(trigger, entries) {
  const size = entries.reduce((sum, [file]) => sum + file.size, 0);
  const files = entries.map(([file]) => (size > x2ctLargest ? { name: file.name, size: file.size } : file));
  return trame.trigger(trigger, [files, entries.map(([, path]) => path)]);
}

function x2ctChosen(field) {
  const entries = Array.from(field.files, (file) => [file, file.webkitRelativePath || file.name]);
  return x2ctSend(field.dataset.trigger, entries).finally(() => (field.value = ""));
}

// What is dropped anywhere on the page; a single file on a field is that field's own.
window.ondragover = (event) => event.preventDefault();
window.ondrop = async (event) => {
  event.preventDefault();
  const items = Array.from(event.dataTransfer.items, (item) => item.webkitGetAsEntry()).filter(Boolean);
  if (!items.length) return;
  const field = items.length === 1 && items[0].isFile && event.target.closest("input[type=file]");
  const entries = [];
  for (const item of items) entries.push(...(await x2ctBelow(item)));
  await x2ctSend(field ? field.dataset.trigger : x2ctTrigger, entries);
};
