// unpacked.js: what the pages hold as gzip in base64, which is a third of the size of a library or a figure.

function opened(text) {
  const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
}

export const textOf = text => opened(text).text();
export const bytesOf = async text => new Uint8Array(await opened(text).arrayBuffer());
