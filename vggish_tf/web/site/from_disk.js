// A classic script, which also runs in a page opened from the disk, where modules may not.

if (location.protocol === "file:")
  document.getElementById("message").textContent =
    "Browsers cannot run this page from the disk. Serve its folder: vggish-tf serve FOLDER, and open the address that it prints.";
