// Saving: a text → a file that the browser offers. An ES module, or inline, like colours.js.

/** Offers a text as a file, with a name and a media type. */
export function saveAs(name, type, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000); // some browsers read it later
}
