// Data: the arrays and the JSON of the page, read once from its elements. Nothing is drawn here.

/** The number that stands for none. */
export const NONE = 0xffffffff;

/** The JSON of the page: names of files and classes, facts. */
export const about = JSON.parse(document.getElementById("about").textContent);

/** The bytes of an element, or null; the element is removed, so that its text uses no memory. */
export function bytesOf(id) {
  const element = document.getElementById(id);
  if (!element) return null;
  const text = atob(element.textContent);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = text.charCodeAt(at);
  element.remove();
  return bytes;
}

function arrayOf(id, Kind) {
  const bytes = bytesOf(id);
  return bytes && new Kind(bytes.buffer);
}

/** The segments, with an array for each property: segment i is the i-th number of each. */
export const segments = {
  x: arrayOf("x", Float32Array),
  y: arrayOf("y", Float32Array),
  file: arrayOf("file", Uint32Array),
  start: arrayOf("start", Float64Array),
  end: arrayOf("end", Float64Array),
  folder: arrayOf("folder", Uint32Array),
  label: arrayOf("label", Uint32Array),
  neighbour: arrayOf("neighbour", Uint32Array),
  cosine: arrayOf("cosine", Float32Array),
  clip: arrayOf("clip", Uint32Array),
  logMel: arrayOf("log_mel", Uint8Array),
};
export const clipStarts = arrayOf("clip_start", Float64Array);
export const count = segments.x.length;

/** The path of a segment's file. */
export function pathOf(number) {
  return about.files[segments.file[number]];
}

/** The last part of a path, and the folders before it; a path of Windows if it has no slash. */
export function splitPath(path) {
  const cut = Math.max(path.lastIndexOf("/"), path.includes("/") ? -1 : path.lastIndexOf("\\"));
  return [path.slice(cut + 1) || path, path.slice(0, Math.max(cut, 0))];
}

/** The name of a segment's file, with its folder if there are several. */
export function nameOf(number) {
  const name = splitPath(pathOf(number))[0];
  const folders = about.classes.folder;
  return folders.length > 1 ? `${folders[segments.folder[number]]}/${name}` : name;
}

/** Seconds as text: 12.48 s, 3:05.20, 1:02:05.20; nothing for NaN. */
export function clock(seconds) {
  if (Number.isNaN(seconds)) return "";
  if (seconds < 60) return `${seconds.toFixed(2)} s`;
  const hundredths = Math.round(seconds * 100);
  const parts = [Math.floor(hundredths / 360000), Math.floor(hundredths / 6000) % 60];
  const rest = ((hundredths % 6000) / 100).toFixed(2).padStart(5, "0");
  const minutes = parts[0] ? [parts[0], String(parts[1]).padStart(2, "0")] : [parts[1]];
  return [...minutes, rest].join(":");
}

/** The times of a segment, as text. */
export function timeOf(number) {
  const [start, end] = [segments.start[number], segments.end[number]];
  if (Number.isNaN(start)) return "the archive has no times";
  return Number.isNaN(end) ? `from ${clock(start)}` : `${clock(start)} – ${clock(end)}`;
}

/** The nearest segments of a segment, as [number, cosine], nearest first. */
export function neighboursOf(number) {
  const first = number * about.neighbours;
  const places = Array.from({ length: about.neighbours }, (_, place) => first + place);
  return places
    .map((place) => [segments.neighbour[place], segments.cosine[place]])
    .filter(([other]) => other !== NONE);
}

/** A CSV path,start,end of segments, by RFC 4180. */
export function csvOf(numbers) {
  const cell = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const time = (seconds) => (Number.isNaN(seconds) ? "" : String(seconds));
  const lines = numbers.map((number) =>
    [cell(pathOf(number)), time(segments.start[number]), time(segments.end[number])].join(","),
  );
  return ["path,start,end", ...lines, ""].join("\r\n");
}
