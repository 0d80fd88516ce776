// Shows the state as it comes.
const events = new EventSource("events?state=1");
events.addEventListener("state", (event) => {
  document.getElementById("state").textContent = JSON.stringify(JSON.parse(event.data), null, 2);
});
