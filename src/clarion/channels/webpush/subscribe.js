// Lets visitors of a website subscribe to its push channel:
// clarionPush.subscribe({ profile }), clarionPush.update({ profile }), clarionPush.unsubscribe(),
// clarionPush.state().

(() => {
  async function post(type, subscription, profile) {
    const response = await fetch(CLARION.subscribe, {
      method: "POST",
      credentials: "omit",
      body: JSON.stringify({ type, subscription, profile }),
    });
    if (!response.ok) {
      throw new Error(await response.text());
    }
  }

  function isSupported() {
    return "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
  }

  async function current() {
    const registration = await navigator.serviceWorker.getRegistration(CLARION.worker);
    return registration ? registration.pushManager.getSubscription() : null;
  }

  // navigator.serviceWorker.ready would wait forever on pages outside of the worker's scope.
  function activated(registration) {
    const worker = registration.active || registration.waiting || registration.installing;
    return new Promise((resolve, reject) => {
      function check() {
        if (registration.active) {
          resolve();
        } else if (!worker || worker.state === "redundant") {
          reject(new Error(`The service worker ${CLARION.worker} does not start. Try again later.`));
        }
      }
      if (worker) {
        worker.addEventListener("statechange", check);
      }
      check();
    });
  }

  // A browser keeps one subscription, and refuses another key than that which it was made with.
  async function subscribed(pushManager) {
    const options = { userVisibleOnly: true, applicationServerKey: CLARION.key };
    try {
      return await pushManager.subscribe(options);
    } catch (error) {
      const old = error.name === "InvalidStateError" && (await pushManager.getSubscription());
      if (!old) {
        throw error;
      }
      await old.unsubscribe();
      return pushManager.subscribe(options);
    }
  }

  async function subscribe({ profile } = {}) {
    if (!isSupported()) {
      throw new Error("This browser has no push messages.");
    }
    const registration = await navigator.serviceWorker.register(CLARION.worker);
    await activated(registration);
    const subscription = await subscribed(registration.pushManager);
    await post("subscribe", subscription, profile);
  }

  // Fills in details of a visitor who has subscribed; it opts nobody in.
  async function update({ profile } = {}) {
    const subscription = isSupported() ? await current() : null;
    if (subscription) {
      await post("update", subscription, profile);
    }
  }

  async function unsubscribe() {
    const subscription = isSupported() ? await current() : null;
    if (subscription) {
      await post("unsubscribe", subscription);
      await subscription.unsubscribe();
    }
  }

  async function state() {
    if (!isSupported()) {
      return "unsupported";
    }
    if (Notification.permission === "denied") {
      return "blocked";
    }
    return (await current()) ? "subscribed" : "unsubscribed";
  }

  window.clarionPush = { subscribe, update, unsubscribe, state };
})();
