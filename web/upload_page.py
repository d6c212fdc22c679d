"""The upload page: one file, dropped or chosen, with a progress bar; it works without scripts too and loads nothing from elsewhere."""

from __future__ import annotations

import json
from html import escape
from string import Template

from locales import Safe, Speech

_PAGE = Template("""<!doctype html>
<html lang="$lang"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><meta name="color-scheme" content="light dark">$refresh<title>$title</title>
<style nonce="$nonce">
:root{--ink:#14212b;--soft:#5b6b78;--line:#c9d3da;--paper:#f3f6f8;--card:#fff;--main:#1d6fb8;--good:#1c7a43;--bad:#b3261e}
@media (prefers-color-scheme:dark){:root{--ink:#e8eef2;--soft:#9fb0bd;--line:#3a4955;--paper:#10181e;--card:#18232b;--main:#63b1f0;
--good:#6fcf97;--bad:#ff8a80}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI","PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif}
main{max-width:40rem;margin:0 auto;padding:clamp(1rem,6vw,4rem) 1rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:16px;padding:clamp(1.1rem,4vw,2rem)}
h1{font-size:1.35rem;line-height:1.3;margin:0 0 .4rem;overflow-wrap:anywhere}p{margin:.5rem 0}.soft{color:var(--soft);font-size:.92rem}
.drop{display:block;margin:1.2rem 0;padding:2rem 1rem;border:2px dashed var(--line);border-radius:14px;text-align:center;cursor:pointer}
.drop:hover,.drop.over{border-color:var(--main)}.drop:focus-within{outline:3px solid var(--main);outline-offset:3px}
.drop b{display:block;color:var(--main);font-size:1.05rem}
.drop input{display:block;width:100%;max-width:22rem;margin:1rem auto 0;font:inherit}
.js .drop input{position:absolute;opacity:0;width:1px;height:1px;margin:0}
button{font:inherit;font-weight:600;width:100%;min-height:48px;border:0;border-radius:12px;
background:var(--main);color:var(--card);cursor:pointer}
button[disabled]{opacity:.5;cursor:default}
progress{width:100%;height:12px;margin:1rem 0 .3rem;accent-color:var(--main)}
.good{color:var(--good)}.bad{color:var(--bad)}[hidden]{display:none}#said{overflow-wrap:anywhere}
</style></head><body><main><div class="card">
<h1>$heading</h1>
$body
</div></main>$script</body></html>""")

_FORM = Template("""<p>$kinds</p><p class="soft">$once</p>
<form method="post" enctype="multipart/form-data" action="$action" id="form">
<label class="drop" id="drop"><b>$choose</b><span class="soft" id="name">$drop</span>
<input type="file" name="file" id="file" required></label>
<button id="send">$send</button></form>
<div id="way" hidden><progress id="bar" max="1" value="0"></progress><p class="soft" id="far"></p></div>
<p id="said" role="status" aria-live="polite"></p><p class="soft">$after</p>""")

_SCRIPT = Template("""<script nonce="$nonce">
"use strict";
const words=$words,$$=id=>document.getElementById(id);
document.documentElement.classList.add("js");
const file=$$("file"),drop=$$("drop"),send=$$("send"),form=$$("form"),way=$$("way"),bar=$$("bar"),far=$$("far"),said=$$("said");
let picked=null;send.disabled=true;file.required=false;
function pick(one){picked=one||null;send.disabled=!picked;$$("name").textContent=picked?picked.name:words.drop;said.replaceChildren()}
file.addEventListener("change",()=>pick(file.files[0]));
for(const kind of["dragenter","dragover"])addEventListener(kind,event=>{event.preventDefault();drop.classList.add("over")});
for(const kind of["dragleave","drop"])addEventListener(kind,event=>{event.preventDefault();drop.classList.remove("over")});
addEventListener("drop",event=>{if(event.dataTransfer&&!form.hidden)pick(event.dataTransfer.files[0])});
function tell(html,good){way.hidden=true;said.className=good?"good":"bad";said.innerHTML=html}
function again(html){form.hidden=false;send.disabled=!picked;tell(html,false)}
function failed(){again(words.cut)}
function wait(){
 fetch($result,{headers:{accept:"application/json"},cache:"no-store"}).then(r=>r.json()).then(state=>{
  if(!state.done){bar.removeAttribute("value");far.textContent=state.said;setTimeout(wait,1000);return}
  if(state.good)tell(state.html,true);else if(state.again)again(state.html);else tell(state.html,false);
 }).catch(()=>setTimeout(wait,3000));
}
form.addEventListener("submit",event=>{
 event.preventDefault();if(!picked)return;
 form.hidden=true;way.hidden=false;bar.value=0;far.textContent="";said.replaceChildren();
 const call=new XMLHttpRequest();call.open("POST",$action);
 call.setRequestHeader("content-type","application/octet-stream");call.setRequestHeader("accept","application/json");
 call.setRequestHeader("x-file-name",encodeURIComponent(picked.name));
 call.upload.onprogress=event=>{if(event.lengthComputable){bar.value=event.loaded/event.total;
  far.textContent=words.sent.replace("{percent}",Math.floor(100*event.loaded/event.total))}};
 call.onerror=call.onabort=failed;
 call.onload=()=>{let state={};try{state=JSON.parse(call.responseText)}catch{}
  if(call.status===202)wait();else if(state.html)(state.again?again:html=>tell(html,false))(state.html);else failed()};
 call.send(picked);
});
</script>""")


def _drawn(speech: Speech, heading: str, body: str, *, nonce: str, script: str = "", refresh: str = "") -> str:
    return _PAGE.substitute(
        lang=escape(speech.language),
        title=escape(speech.label("Upload codes")),
        heading=heading,
        body=body,
        nonce=nonce,
        script=script,
        refresh=refresh,
    )


def _literal(value: object) -> str:
    """A value for a script: no text in it ends the script or begins a comment."""
    return json.dumps(value).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def form(speech: Speech, *, name: str, until: str, path: str, nonce: str) -> str:
    """The page with the form: for which goods, and until when."""
    drop = speech.label("or drop it here")
    body = _FORM.substitute(
        kinds=speech.say("One file of up to a million lines: .txt, .csv, .xlsx, or these in .zip or .gz, up to 512 MB."),
        once=speech.say("This page works for one file, until {when}.", when=until),
        action=escape(path),
        choose=speech.say("Choose a file"),
        drop=escape(drop),
        send=speech.say("Upload"),
        after=speech.say("The receipt comes into your chat with the shop too. Codes are encrypted as they come in."),
    )
    words = {
        "drop": drop,
        "sent": speech.label("{percent}% sent", percent="{percent}"),
        "cut": speech.say("The connection broke off. Nothing was imported; please try again."),
    }
    script = _SCRIPT.substitute(nonce=nonce, words=_literal(words), action=_literal(path), result=_literal(f"{path}/result"))
    return _drawn(speech, str(speech.say("Codes for <b>{name}</b>", name=name)), body, nonce=nonce, script=script)


def going_on(speech: Speech, said: str, *, nonce: str) -> str:
    """The page while a file is read, for browsers without scripts: it looks again by itself."""
    body = f'<progress></progress><p role="status">{escape(said)}</p>'
    return _drawn(speech, speech.say("Importing…"), body, nonce=nonce, refresh='<meta http-equiv="refresh" content="2">')


def told(speech: Speech, html: Safe, *, good: bool, again: str | None = None, nonce: str) -> str:
    """The page at the end: the receipt, or what went wrong, with the way to try again where there is one."""
    body = f'<p id="said" class="{"good" if good else "bad"}" role="status">{broken(html)}</p>'
    if again is not None:
        body += f'<p><a href="{escape(again)}">{speech.say("Try again")}</a></p>'
    heading = speech.say("Your upload") if good else speech.say("That did not work")
    return _drawn(speech, heading, body, nonce=nonce)


def broken(html: Safe) -> str:
    """A message of the chat as HTML of a page: line breaks are breaks."""
    return str(html).replace("\n", "<br>")
