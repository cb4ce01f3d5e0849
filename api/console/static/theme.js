// Before anything is drawn: the theme that this screen was last set to; without one, the system's.
(() => {
  const kept = localStorage.getItem("headwater-theme");
  if (kept === "dark" || kept === "light") document.documentElement.dataset.theme = kept;
})();
