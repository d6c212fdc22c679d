// Light, dark, or as the system says.

const ORDER = ["auto", "light", "dark"];

export const theme = () => localStorage.getItem("sandbox.theme") ?? "auto";

export function applyTheme() {
  document.documentElement.dataset.theme = theme();
}

export function turnTheme() {
  localStorage.setItem("sandbox.theme", ORDER[(ORDER.indexOf(theme()) + 1) % ORDER.length]);
  applyTheme();
}
