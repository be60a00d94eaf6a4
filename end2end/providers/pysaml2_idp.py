"""pysaml2 as an identity provider of the tests: what its own example does, on Python's own HTTP server."""

import glob
import html
import json
import os
import signal
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_PERSISTENT, NameID
from saml2.server import Server

PORT = int(os.environ["PROVIDER_PORT"])
URL = f"http://127.0.0.1:{PORT}"
KNOWN = os.environ["SERVICE_PROVIDERS"]
SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
DIGEST = "http://www.w3.org/2001/04/xmlenc#sha256"
PASSWORD_CLASS = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"

# The same people at every provider: everyone's password is their name and "pw".
PEOPLE = {
    "alice": {
        "uid": ["alice"],
        "mail": ["alice@example.test"],
        "displayName": ["Alice Ångström"],
        "groups": ["staff", "admins"],
    },
    "bob": {"uid": ["bob"], "mail": ["bob@example.test"], "displayName": ["Bob Brown"], "groups": ["staff"]},
    # At this provider alone: an address belongs to one account.
    "dave": {
        "uid": ["dave"],
        "mail": ["dave@example.test"],
        "displayName": ["Dave Dvořák"],
        "groups": ["staff", "admins"],
    },
}

SERVICE_PROVIDER = """<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity_id}">
<SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
<SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{slo}"/>
<AssertionConsumerService index="0" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{acs}"/>
</SPSSODescriptor></EntityDescriptor>"""

# Who signed in, by the name they are called to the service provider; one lock, because the library knows none.
LOCK = threading.Lock()


def read_known():
    """The metadata of all that have made themselves known by a file."""
    known = []
    for path in sorted(glob.glob(os.path.join(KNOWN, "*.json"))):
        try:
            with open(path, encoding="utf-8") as file:
                values = json.load(file)
        except ValueError:
            continue
        known.append(SERVICE_PROVIDER.format(**{name: html.escape(value) for name, value in values.items()}))
    return known


def provider():
    """A provider that knows everybody who has made himself known so far."""
    config = {
        "entityid": f"{URL}/idp",
        "xmlsec_binary": os.environ["XMLSEC1"],
        "key_file": os.environ["PROVIDER_KEY"],
        "cert_file": os.environ["PROVIDER_CERTIFICATE"],
        "service": {
            "idp": {
                "endpoints": {
                    "single_sign_on_service": [(f"{URL}/sso", BINDING_HTTP_REDIRECT)],
                    "single_logout_service": [(f"{URL}/slo", BINDING_HTTP_REDIRECT)],
                },
                "policy": {"default": {"lifetime": {"minutes": 15}, "attribute_restrictions": None}},
                "name_id_format": [NAMEID_FORMAT_PERSISTENT],
                "want_authn_requests_signed": False,
            }
        },
    }
    known = read_known()
    if known:
        config["metadata"] = {"inline": known}
    return Server(config=IdPConfig().load(config))


class Handler(BaseHTTPRequestHandler):
    def answer(self, status, body, kind="text/html; charset=utf-8", headers=()):
        body = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if url.path == "/metadata":
            with LOCK:
                self.answer(200, str(entity_descriptor(provider().config)), "application/samlmetadata+xml")
        elif url.path == "/sso":
            fields = {name: query.get(name, "") for name in ("SAMLRequest", "RelayState")}
            hidden = "".join(
                f'<input type="hidden" name="{name}" value="{html.escape(value)}">' for name, value in fields.items()
            )
            self.answer(
                200,
                "<!doctype html><title>Sign in</title><form method=post action=/login>"
                f"{hidden}<label>Name <input name=username></label>"
                "<label>Password <input name=password type=password></label><button>Sign in</button></form>",
            )
        elif url.path == "/slo":
            with LOCK:
                self.log_out(query)
        elif url.path == "/end":
            with LOCK:
                self.end(query)
        else:
            self.answer(404, "not here")

    def do_POST(self):
        length = int(self.headers.get("Content-Length", "0"))
        form = dict(urllib.parse.parse_qsl(self.rfile.read(length).decode()))
        with LOCK:
            self.log_in(form)

    def log_in(self, form):
        name = form.get("username", "")
        if name not in PEOPLE or form.get("password") != f"{name}pw":
            self.answer(403, "<!doctype html><p>wrong name or password")
            return
        server = provider()
        request = server.parse_authn_request(form["SAMLRequest"], BINDING_HTTP_REDIRECT)
        arguments = server.response_args(request.message)
        arguments.pop("name_id_policy", None)
        response = server.create_authn_response(
            identity=PEOPLE[name],
            userid=name,
            name_id=NameID(format=NAMEID_FORMAT_PERSISTENT, text=name),
            authn={"class_ref": PASSWORD_CLASS, "authn_auth": f"{URL}/idp"},
            sign_response=True,
            sign_assertion=True,
            sign_alg=SHA256,
            digest_alg=DIGEST,
            **arguments,
        )
        sent = server.apply_binding(
            BINDING_HTTP_POST, str(response), arguments["destination"], form.get("RelayState", ""), response=True
        )
        self.answer(200, sent["data"])

    def log_out(self, query):
        """Answers a request that everybody may send: it is signed by few."""
        server = provider()
        if "SAMLRequest" not in query:
            self.answer(200, "<!doctype html><p>signed out")
            return
        request = server.parse_logout_request(query["SAMLRequest"], BINDING_HTTP_REDIRECT)
        response = server.create_logout_response(request.message, [BINDING_HTTP_REDIRECT])
        self.send(server, str(response), response.destination, query.get("RelayState", ""), response=True)

    def end(self, query):
        """Asks the service provider to end the session of a person, as the provider does when they sign out here."""
        server = provider()
        entity = query["service_provider"]
        request_id, request = server.create_logout_request(
            query["slo"],
            entity,
            name_id=NameID(format=NAMEID_FORMAT_PERSISTENT, text=query["name"]),
            session_indexes=[query["session"]] if "session" in query else None,
        )
        self.send(server, str(request), query["slo"], "", response=False)

    def send(self, server, message, destination, relay_state, response):
        sent = server.apply_binding(
            BINDING_HTTP_REDIRECT, message, destination, relay_state, response=response, sign=True, sigalg=SHA256
        )
        location = dict(sent["headers"])["Location"]
        self.answer(303, "", headers=[("Location", location)])

    def log_message(self, format, *arguments):
        print(format % arguments, flush=True)


# Whoever started us in the background may have had it ignored, and ends us by it.
signal.signal(signal.SIGINT, signal.SIG_DFL)
ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
