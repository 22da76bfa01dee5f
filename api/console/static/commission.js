// Enhancements only: without this file labels are typed, and pages are looked at again by a link.
(function () {
  "use strict";

  // news: the part with the id `live` is fetched again every few seconds, while somebody looks
  var live = document.querySelector("[data-live]");
  if (live) {
    var every = Number(live.dataset.live) * 1000;
    var look = function () {
      if (document.hidden) return;
      fetch(location.href, { headers: { Accept: "text/html" } })
        .then(function (reply) {
          return reply.ok ? reply.text() : "";
        })
        .then(function (text) {
          var fresh = new DOMParser().parseFromString(text, "text/html").getElementById("live");
          var shown = document.getElementById("live");
          // a button that somebody is about to press stays where it is
          if (fresh && shown && fresh.innerHTML !== shown.innerHTML && !shown.contains(document.activeElement))
            shown.replaceWith(document.importNode(fresh, true));
        })
        .catch(function () {});
    };
    setInterval(look, every);
  }

  // labels: by the camera where the browser reads codes itself, else by a photo that the server reads
  var scan = document.querySelector("[data-scan]");
  if (!scan) return;
  var form = scan.querySelector("[data-form]");
  var problem = scan.querySelector("[data-problem]");
  var file = scan.querySelector("[data-file]");
  var start = scan.querySelector("[data-start]");
  scan.querySelector("[data-with-script]").hidden = false;

  function say(text) {
    problem.textContent = text;
    problem.hidden = !text;
  }
  function take(text) {
    form.elements.scan.value = text;
    form.requestSubmit();
  }

  if ("BarcodeDetector" in window && navigator.mediaDevices && navigator.mediaDevices.getUserMedia) {
    start.hidden = false;
    start.addEventListener("click", function () {
      say("");
      navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } }).then(watch, function () {
        say(scan.dataset.off);
      });
    });
  }

  function watch(stream) {
    var video = scan.querySelector("[data-video]");
    var detector = new window.BarcodeDetector();
    scan.querySelector("[data-camera]").hidden = false;
    start.hidden = true;
    video.srcObject = stream;
    video.play();
    var timer = setInterval(function () {
      if (video.readyState < 2) return;
      detector.detect(video).then(
        function (found) {
          if (!found.length) return;
          clearInterval(timer);
          stream.getTracks().forEach(function (track) {
            track.stop();
          });
          take(found[0].rawValue);
        },
        function () {}
      );
    }, 250);
  }

  file.addEventListener("change", function () {
    if (!file.files.length) return;
    say("");
    createImageBitmap(file.files[0])
      .then(function (picture) {
        // a thousand pixels on the longer side suffice; one grey byte a pixel is sent
        var scale = Math.min(1, 1000 / Math.max(picture.width, picture.height));
        var width = Math.round(picture.width * scale);
        var height = Math.round(picture.height * scale);
        var canvas = document.createElement("canvas");
        canvas.width = width;
        canvas.height = height;
        var context = canvas.getContext("2d");
        context.drawImage(picture, 0, 0, width, height);
        var pixels = context.getImageData(0, 0, width, height).data;
        var grey = new Uint8Array(width * height);
        for (var n = 0; n < grey.length; n += 1)
          grey[n] = (pixels[4 * n] * 299 + pixels[4 * n + 1] * 587 + pixels[4 * n + 2] * 114) / 1000;
        return fetch(scan.dataset.photo + "?width=" + width, {
          method: "POST",
          headers: { "X-CSRF-Token": scan.dataset.csrf, "Content-Type": "application/octet-stream" },
          body: grey,
        });
      })
      .then(function (reply) {
        return reply.ok ? reply.json() : { texts: [] };
      })
      .then(function (read) {
        file.value = "";
        if (read.texts.length) take(read.texts[0]);
        else say(scan.dataset.none);
      })
      .catch(function () {
        say(scan.dataset.none);
      });
  });
})();
