/** Hands bytes to the browser as a file to save. */

export function download(name: string, bytes: Uint8Array<ArrayBuffer>): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
  link.download = name;
  link.click();
  // Not at once: some browsers begin to read only later.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
