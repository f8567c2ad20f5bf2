// The theme before the first paint: the stored choice, else the system's.
(function () {
  try {
    var theme = localStorage.getItem("rm-theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch (_) { /* without storage the system's theme is followed */ }
})();
