// Like the IMAP servers of NetEase (163, 126, yeah): no IDLE, and no folder is opened before the client has sent ID.
// `node netease.js PORT`; user hotline@163.com, password authcode. hoodiecrow-imap has no SEARCH of its own to break.
const hoodiecrow = require('hoodiecrow-imap');

const unsafe = { type: 'TEXT', value: 'Unsafe Login. Please contact kefu@188.com for help' };

function wantsId(server) {
  const id = server.getCommandHandler('ID');
  server.setCommandHandler('ID', (connection, parsed, data, done) => {
    connection.saidWhoItIs = true;
    return id(connection, parsed, data, done);
  });
  for (const command of ['SELECT', 'EXAMINE']) {
    const open = server.getCommandHandler(command);
    server.setCommandHandler(command, (connection, parsed, data, done) => {
      if (connection.saidWhoItIs) return open(connection, parsed, data, done);
      const attributes = [{ ...unsafe, value: `${command} ${unsafe.value}` }];
      connection.send({ tag: parsed.tag, command: 'NO', attributes }, 'UNSAFE', parsed, data);
      return done();
    });
  }
}

const raw = (number) => `From: citizen@163.com\r\nSubject: m${number}\r\n\r\nbody\r\n`;
const messages = [1, 2, 3].map((number) => ({ raw: raw(number), internaldate: '14-Sep-2026 21:22:28 +0800' }));

hoodiecrow({
  plugins: ['ID', 'UIDPLUS', wantsId],
  users: { 'hotline@163.com': { password: 'authcode' } },
  storage: { INBOX: { messages } },
}).listen(Number(process.argv[2]), '127.0.0.1', () => console.log('listening'));
