"""A tunnel's public end: it keeps each request until the test has answered it."""

import base64
import http.server
import json
import os
import queue
import socketserver
import uuid

SECRET = os.environ["SECRET"]
requests = queue.Queue()
answers = {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def serve(self):
        if self.headers.get("Transfer-Encoding"):
            return self.reply(411, [], b"send a Content-Length")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == f"/{SECRET}/next":
            try:
                return self.reply(200, [], json.dumps(requests.get(timeout=20)).encode())
            except queue.Empty:
                return self.reply(204, [], b"")
        if self.path.startswith(f"/{SECRET}/answer/"):
            box = answers.pop(self.path.rsplit("/", 1)[1], None)
            if box is None:
                return self.reply(410, [], b"nobody waits any more")
            box.put(json.loads(body))
            return self.reply(204, [], b"")
        name, box = uuid.uuid4().hex, queue.Queue(1)
        answers[name] = box
        requests.put({"id": name, "method": self.command, "path": self.path, "headers": list(self.headers.items()),
                      "body": base64.b64encode(body).decode()})
        try:
            answer = box.get(timeout=60)
        except queue.Empty:
            answers.pop(name, None)
            return self.reply(504, [], b"the test does not answer")
        self.reply(answer["status"], answer["headers"] or [], base64.b64decode(answer["body"] or ""))

    def reply(self, status, headers, body):
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(body)

    def log_message(self, *_):
        pass

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = serve


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 100


Server(("", int(os.environ.get("PORT", "8080"))), Handler).serve_forever()
