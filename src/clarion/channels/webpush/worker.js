// Shows the messages of this website's push channel, and reports what becomes of them.
// Everything it sends goes to the server that it was loaded from.

self.addEventListener("push", (event) => {
  const message = event.data ? event.data.json() : {};
  const buttons = message.buttons || [];
  const shown = self.registration.showNotification(message.title || "", {
    body: message.body || "",
    icon: message.icon,
    image: message.image,
    lang: message.lang,
    // A message that arrives twice is shown once.
    tag: message.id,
    data: message,
    actions: buttons.map((button, index) => ({ action: String(index), title: button.label })),
  });
  event.waitUntil(shown.then(() => report(message, { type: "shown" })));
});

self.addEventListener("notificationclick", (event) => {
  const message = event.notification.data || {};
  const button = (message.buttons || [])[Number(event.action)];
  event.notification.close();
  if (event.action !== "" && button && button.kind === "reply") {
    event.waitUntil(report(message, { type: "pressed", button: button.value, label: button.label }));
    return;
  }
  const url = event.action !== "" && button ? button.value : message.url;
  event.waitUntil(url ? self.clients.openWindow(url) : Promise.resolve());
});

self.addEventListener("pushsubscriptionchange", (event) => {
  event.waitUntil(renew(event.oldSubscription));
});

// The visitor has done nothing: the server keeps whether they opted out, if it knows who it is.
async function renew(old) {
  if (!old) {
    return;
  }
  const subscription = await self.registration.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: CLARION.key,
  });
  await fetch(CLARION.subscribe, {
    method: "POST",
    body: JSON.stringify({ type: "renew", subscription, old }),
    credentials: "omit",
  });
}

async function report(message, about) {
  if (!message.proof) {
    return;
  }
  const body = JSON.stringify({ id: message.id, to: message.to, proof: message.proof, ...about });
  try {
    await fetch(CLARION.hook, { method: "POST", mode: "no-cors", credentials: "omit", body });
  } catch (error) {
    // Offline again: the message was shown all the same.
    console.warn("The report could not be sent.", error);
  }
}
