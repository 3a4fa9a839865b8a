// A classic script, which runs where modules may not: a page that was opened from the disk says so.

if (location.protocol === "file:")
  document.getElementById("message").textContent =
    "Browsers run no such page from the disk. Serve its folder: vggish-tf serve FOLDER, and open the address that it prints.";
