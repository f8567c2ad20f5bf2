// Starts the program, which has its hash in its name.
import init from "{{glue}}";
init({ module_or_path: "{{program}}" }).catch(function (error) {
  document.getElementById("crash-details").textContent = String(error);
  document.getElementById("crash").hidden = false;
});
