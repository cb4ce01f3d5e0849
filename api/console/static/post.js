// A question or a command as JSON, with the token of the session where there is one.
export function post(url, body) {
  const headers = { "Content-Type": "application/json" };
  const token = document.querySelector('meta[name="csrf"]');
  if (token) headers["X-CSRF-Token"] = token.content;
  return fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
}
