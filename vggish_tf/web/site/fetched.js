// Files of the site, by name.

/** The response for a file; an Error with a message if it cannot be loaded. */
export async function fetched(file) {
  const response = await fetch(new URL(`./${file}`, import.meta.url));
  if (!response.ok) throw new Error(`${file} cannot be loaded: the server answered ${response.status}.`);
  return response;
}
