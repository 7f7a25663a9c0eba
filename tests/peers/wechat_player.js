// Plays the WeChat platform with npm wechat-crypto and @wecom/crypto: one job a line on stdin, one result a line on stdout.
//   {"url", "token", "aesKey", "appid", "mode": "plain|compatible|safe", "lib", "xml"[, "wrongSignature", "age"]}
//   {"url", "token", "echo": "..."}
// As the platform does, it waits 5 seconds for an answer and sends the same message at most three times.
'use strict';
process.removeAllListeners('warning');
process.on('warning', () => {});
const crypto = require('crypto');
const readline = require('readline');
const WXBizMsgCrypt = require('wechat-crypto');
const wecom = require('@wecom/crypto');

const sha1 = (parts) => crypto.createHash('sha1').update([...parts].sort().join('')).digest('hex');

const LIBRARIES = {
  'wechat-crypto': (job) => {
    const box = new WXBizMsgCrypt(job.token, job.aesKey, job.appid);
    return { encrypt: (xml) => box.encrypt(xml), sign: (t, n, e) => box.getSignature(t, n, e) };
  },
  '@wecom/crypto': (job) => ({
    encrypt: (xml) => wecom.encrypt(job.aesKey, xml, job.appid),
    sign: (t, n, e) => wecom.getSignature(job.token, t, n, e),
  }),
};

function signed(job) {
  const timestamp = String(Math.floor(Date.now() / 1000) - (job.age || 0));
  const nonce = String(crypto.randomInt(1e9));
  const signature = job.wrongSignature ? sha1(['wrong', timestamp, nonce]) : sha1([job.token, timestamp, nonce]);
  return { signature, timestamp, nonce, openid: 'o1' };
}

function request(job) {
  const query = signed(job);
  if (job.mode === 'plain') return [query, job.xml];
  const lib = LIBRARIES[job.lib](job);
  const encrypted = lib.encrypt(job.xml);
  query.encrypt_type = 'aes';
  query.msg_signature = lib.sign(query.timestamp, query.nonce, encrypted);
  const field = `<Encrypt><![CDATA[${encrypted}]]></Encrypt></xml>`;
  if (job.mode === 'safe') return [query, `<xml><ToUserName><![CDATA[gh_1]]></ToUserName>${field}`];
  return [query, job.xml.slice(0, job.xml.lastIndexOf('</xml>')) + field];
}

async function post(job) {
  const [query, body] = request(job);
  const tries = [];
  while (tries.length < 3) {
    const begin = Date.now();
    try {
      const options = { method: 'POST', headers: { 'Content-Type': 'text/xml' }, body, signal: AbortSignal.timeout(5000) };
      const answer = await fetch(`${job.url}?${new URLSearchParams(query)}`, options);
      tries.push({ status: answer.status, text: await answer.text(), seconds: (Date.now() - begin) / 1000 });
      if (answer.status < 500) break;
    } catch (error) {
      tries.push({ status: 0, text: error.name, seconds: (Date.now() - begin) / 1000 });
    }
  }
  return { tries };
}

async function echo(job) {
  const answer = await fetch(`${job.url}?${new URLSearchParams({ ...signed(job), echostr: job.echo })}`);
  return { status: answer.status, text: await answer.text() };
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const job = JSON.parse(line);
    console.log(JSON.stringify(await (job.echo ? echo(job) : post(job))));
  }
})();
