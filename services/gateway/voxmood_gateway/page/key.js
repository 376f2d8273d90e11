// Asks for a key where the gateway wants one.

/** Resolves with the key that was typed, or null. */
export function askKey() {
  const dialog = document.getElementById("ask-key");
  const field = document.getElementById("key");
  field.value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve((dialog.returnValue && field.value.trim()) || null), { once: true });
  });
}
