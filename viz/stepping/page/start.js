// The script of the page travels packed; its digest is in the policy, so that the browser runs it and no other.
{
const packed = Uint8Array.from(atob(document.getElementById("code").textContent), c => c.charCodeAt(0));
new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"))).text().then(text => {
  const script = document.createElement("script");
  script.textContent = text;
  document.body.append(script);
});
}
