// Files of the site, asked for by name.

/** The response of a file; an error in words if it cannot be had. */
export async function fetched(file) {
  const response = await fetch(new URL(`./${file}`, import.meta.url));
  if (!response.ok) throw new Error(`${file} cannot be loaded: the server answered ${response.status}.`);
  return response;
}
