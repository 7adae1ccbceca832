// The usual callback server on Node.js, as the floor of goal P2: verifies, decrypts, parses, adds to
// the stream as the bridge does, and answers after Redis.
//   node server.js SOCKET CONNECTION TOKEN AES_KEY
'use strict';

const http = require('http');
const { createHash, timingSafeEqual } = require('crypto');
const { decrypt, getSignature } = require('@wecom/crypto');
const { XMLParser } = require('fast-xml-parser');
const { Redis } = require('ioredis');

const [socket, connection, token, aesKey] = process.argv.slice(2);
const redis = new Redis({ path: socket, enableAutoPipelining: true });
const xml = new XMLParser({ parseTagValue: false });
const events = `yq:{${connection}}:events`;

const kinds = { create_user: 'member.created', update_user: 'member.updated' };

function signedBy(query, ciphered) {
  const own = getSignature(token, query.get('timestamp'), query.get('nonce'), ciphered);
  const theirs = query.get('msg_signature') || '';
  return own.length === theirs.length && timingSafeEqual(Buffer.from(own), Buffer.from(theirs));
}

function add(message) {
  const e = xml.parse(message).xml;
  const data = {
    userid: e.UserID, name: e.Name, departments: (e.Department || '').split(',').map(Number),
    main_department: Number(e.MainDepartment), leader_in: (e.IsLeaderInDept || '').split(',').map(Number),
    direct_leaders: [e.DirectLeader], position: e.Position, mobile: e.Mobile, gender: e.Gender,
    email: e.Email, status: Number(e.Status), alias: e.Alias, telephone: e.Telephone,
  };
  const text = JSON.stringify(data);
  const digest = createHash('sha256').update(message).digest('hex');
  redis.zadd('yq:ready', 'NX', Date.now(), connection);
  return redis.xadd(events, '*', 'v', '1', 'kind', kinds[e.ChangeType] || 'unknown', 'subject',
    `member:${e.UserID}`, 'source', 'callback', 'at', e.CreateTime, 'digest', digest, 'data', text,
    'raw', message);
}

async function take(request, body) {
  const { searchParams } = new URL(request.url, 'http://localhost');
  const ciphered = xml.parse(body).xml.Encrypt;
  if (!signedBy(searchParams, ciphered)) return 403;
  const { message } = decrypt(aesKey, ciphered);
  await add(message);
  return 200;
}

const server = http.createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => take(request, Buffer.concat(parts).toString())
    .catch(() => 400)
    .then((status) => {
      const text = status === 200 ? 'success' : '';
      response.writeHead(status, { 'Content-Type': 'text/plain', 'Content-Length': text.length });
      response.end(text);
    }));
});
server.keepAliveTimeout = 60000;
server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, () => {
  console.log(`listening callbacks 127.0.0.1:${server.address().port}`);
  console.log('ready');
});
process.on('SIGTERM', () => process.exit(0));
