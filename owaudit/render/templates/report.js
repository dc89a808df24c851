(function () {
  "use strict";
  var d = document, all = function (s, r) { return Array.prototype.slice.call((r || d).querySelectorAll(s)); };
  all("[data-js]").forEach(function (e) { e.hidden = false; });

  // Filters: rows carry their own words; nothing is removed from the page.
  all("[data-filter]").forEach(function (bar) {
    var rows = all(bar.dataset.filter + " [data-row]"), say = bar.querySelector("[role=status]");
    var box = bar.querySelector("input"), want = "all", wait;
    function run() {
      var q = box.value.trim().toLowerCase(), n = 0;
      rows.forEach(function (r) {
        var on = (want === "all" || r.dataset.row.split(" ").indexOf(want) >= 0) && r.textContent.toLowerCase().indexOf(q) >= 0;
        r.hidden = !on; n += on;
      });
      say.textContent = n === rows.length ? "All " + n + " shown" : n + " of " + rows.length + " shown";
    }
    box.addEventListener("input", function () { clearTimeout(wait); wait = setTimeout(run, 120); });
    bar.addEventListener("click", function (ev) {
      var b = ev.target.closest("[data-want]"); if (!b) return;
      want = b.dataset.want;
      all("[data-want]", bar).forEach(function (x) { x.setAttribute("aria-pressed", String(x === b)); });
      run();
    });
  });

  // Sort: buttons are made here, so that without script the heads are plain words.
  all("table[data-sort]").forEach(function (t) {
    var body = t.tBodies[0];
    all("thead th", t).forEach(function (th, i) {
      var b = d.createElement("button"); b.type = "button"; b.className = "sortbtn"; b.textContent = th.textContent;
      th.textContent = ""; th.appendChild(b);
      b.addEventListener("click", function () {
        var up = th.getAttribute("aria-sort") !== "ascending";
        all("thead th", t).forEach(function (x) { x.removeAttribute("aria-sort"); });
        th.setAttribute("aria-sort", up ? "ascending" : "descending");
        var key = function (r) { var c = r.cells[i]; return c.dataset.k !== undefined ? Number(c.dataset.k) : c.textContent.trim(); };
        all("tr", body).sort(function (x, y) {
          var p = key(x), q = key(y), s = p < q ? -1 : p > q ? 1 : 0; return up ? s : -s;
        }).forEach(function (r) { body.appendChild(r); });
      });
    });
  });

  // Copy: a block of text, or the address of this finding.
  d.addEventListener("click", function (ev) {
    var b = ev.target.closest(".copy"); if (!b) return;
    var text = b.dataset.copy ? d.getElementById(b.dataset.copy).textContent : location.href.split("#")[0] + "#" + b.dataset.link;
    var was = b.textContent, done = function (w) { b.textContent = w; setTimeout(function () { b.textContent = was; }, 1500); };
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(function () { done("Copied"); }, function () { done("Not copied"); });
    else { if (b.dataset.link) location.hash = b.dataset.link; done("Not copied"); }
  });

  // Drawers: open all, open the one an address points into, open all for paper.
  var drawers = all("details"), toggle = d.querySelector("[data-drawers]"), kept;
  if (toggle) toggle.addEventListener("click", function () {
    var open = drawers.some(function (x) { return !x.open; });
    drawers.forEach(function (x) { x.open = open; });
    toggle.textContent = open ? "Close all evidence" : "Open all evidence";
  });
  // Very many files: those without a row are a block of JSON, shown a hundred at a time.
  var block = d.getElementById("listed-rows"), listed = d.getElementById("listed");
  if (block && listed) {
    var files = JSON.parse(block.textContent), fitting = files, from = 0, size = 100, pause;
    var find = listed.querySelector("input"), told = listed.querySelector("[role=status]");
    var words = { read: "All", partial: "Partial", unread: "Unread" }, lower = files.map(function (f) { return f.join(" ").toLowerCase(); });
    var add = function (row, kind, text, head) {
      var c = d.createElement(kind); c.textContent = text;
      if (kind === "th") c.scope = "row"; else c.dataset.h = head;
      row.appendChild(c); return c;
    };
    var show = function () {
      var body = listed.querySelector("tbody"); body.textContent = "";
      fitting.slice(from, from + size).forEach(function (f) {
        var row = d.createElement("tr"), th = add(row, "th", "", ""), path = d.createElement("bdi"), hex = d.createElement("span");
        path.className = "path"; path.textContent = f[0]; hex.className = "hex"; hex.textContent = f[1];
        th.appendChild(path); th.appendChild(hex);
        add(row, "td", f[2], "Format");
        add(row, "td", f[3].toLocaleString("en"), "Bytes").className = "r";
        add(row, "td", words[f[4]], "Read").className = "muted";
        body.appendChild(row);
      });
      told.textContent = fitting.length ? (from + 1) + " to " + Math.min(from + size, fitting.length) + " of " + fitting.length : "None of " + files.length;
    };
    find.addEventListener("input", function () {
      clearTimeout(pause);
      pause = setTimeout(function () {
        var q = find.value.trim().toLowerCase(); from = 0;
        fitting = files.filter(function (f, i) { return lower[i].indexOf(q) >= 0; }); show();
      }, 120);
    });
    listed.addEventListener("click", function (ev) {
      var b = ev.target.closest("[data-step]"); if (!b) return;
      var next = from + size * Number(b.dataset.step);
      if (next >= 0 && next < fitting.length) { from = next; show(); }
    });
    show();
  }

  function reach() {
    var e = location.hash && d.getElementById(decodeURIComponent(location.hash.slice(1))), p = e && e.closest("details");
    if (p && !p.open) { p.open = true; e.scrollIntoView(); }
  }
  addEventListener("hashchange", reach); reach();
  addEventListener("beforeprint", function () { kept = drawers.filter(function (x) { return !x.open; }); kept.forEach(function (x) { x.open = true; }); });
  addEventListener("afterprint", function () { (kept || []).forEach(function (x) { x.open = false; }); });
})();
