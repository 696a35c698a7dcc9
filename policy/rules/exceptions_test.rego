package pulumi.exceptions_test

import data.pulumi.exceptions

_urn := "urn:pulumi:b::p::aws:s3/bucketPolicy:BucketPolicy::x"

_finding := {"rule": "r", "category": "transport", "urn": _urn, "fingerprint": "sha256:1"}

_exception := {"rule": "r", "resource": _urn, "fingerprint": "sha256:1", "owner": "o", "reason": "because", "expires": "2026-12-31"}

_with(change) := object.union(_exception, change)

_noon := time.parse_rfc3339_ns("2026-11-23T12:00:00Z")

# A preview of a stack, whole, with the resource.
_preview := _stacks(["b"])

_stacks(names) := [{"steps": [
	{"op": "same", "newState": {"urn": sprintf("urn:pulumi:%s::p::pulumi:pulumi:Stack::p-%s", [name, name]), "type": "pulumi:pulumi:Stack"}},
	{"op": "same", "newState": {"urn": replace(_urn, ":b::", sprintf(":%s::", [name])), "type": "aws:s3/bucketPolicy:BucketPolicy"}},
]} |
	some name in names
]

test_covering if {
	exceptions.covering(_finding).owner == "o" with data.exceptions as [_exception] with time.now_ns as _noon
}

test_not_covering[name] if {
	some name, case in {
		"another rule": {"finding": _finding, "exception": _with({"rule": "s"})},
		"another resource": {"finding": _finding, "exception": _with({"resource": "urn:pulumi:b::p::t::y"})},
		"another fingerprint": {"finding": _finding, "exception": _with({"fingerprint": "sha256:2"})},
		"without a reason": {"finding": _finding, "exception": _with({"reason": ""})},
		"without an owner": {"finding": _finding, "exception": object.remove(_exception, ["owner"])},
		"expired": {"finding": _finding, "exception": _with({"expires": "2026-11-22"})},
		"what could not be judged": {"finding": object.union(_finding, {"category": "integrity"}), "exception": _exception},
		"what has no fingerprint": {"finding": object.remove(_finding, ["fingerprint"]), "exception": _exception},
	}
	not exceptions.covering(case.finding) with data.exceptions as [case.exception] with time.now_ns as _noon
}

test_none if {
	not exceptions.covering(_finding)
	exceptions.malformed == set()
	exceptions.stale([_finding]) == []
}

test_an_empty_list if {
	exceptions.malformed == set() with data.exceptions as null
	exceptions.malformed == set() with data.exceptions as []
}

test_the_one_that_holds_longest if {
	exceptions.covering(_finding).owner == "second" with data.exceptions as [
		_exception,
		_with({"owner": "second", "expires": "2027-01-01"}),
		_with({"owner": "third", "expires": "2026-12-01"}),
	]
		with time.now_ns as _noon
}

test_until_the_end_of_the_day if {
	last := time.parse_rfc3339_ns("2026-12-31T23:59:59.999999999Z")
	exceptions.covering(_finding) with data.exceptions as [_exception] with time.now_ns as last
	not exceptions.covering(_finding) with data.exceptions as [_exception] with time.now_ns as last + 1
}

test_until_long_after if {
	exceptions.covering(_finding) with data.exceptions as [_with({"expires": "9999-12-31"})] with time.now_ns as _noon
}

test_malformed[name] if {
	some name, case in {
		"well": {"given": [_exception], "want": set()},
		"not a list": {"given": _exception, "want": {"The exceptions are not a list"}},
		"a text": {"given": ["r"], "want": {"The exception number 0, counted from 0, is not an object"}},
		"the second": {"given": [_exception, object.remove(_exception, ["reason"])], "want": {"The exception number 1, counted from 0, has no reason"}},
		"empty": {"given": [_with({"reason": " ", "owner": ""})], "want": {"The exception number 0, counted from 0, has no owner, reason"}},
		"a number": {"given": [_with({"owner": 5})], "want": {"The exception number 0, counted from 0, has no owner"}},
		"nothing": {"given": [{}], "want": {"The exception number 0, counted from 0, has no expires, fingerprint, owner, reason, resource, rule"}},
		"something else": {"given": [_with({"severity": "low"})], "want": {"The exception number 0, counted from 0, has severity, which is nothing that an exception has"}},
		"a name": {"given": [_with({"resource": "x"})], "want": {"The exception number 0, counted from 0, is for x, which is not the URN of a resource"}},
		"never": {"given": [_with({"expires": "never"})], "want": {"The exception number 0, counted from 0, expires on never, which is no date such as 2026-12-31"}},
		"no day": {"given": [_with({"expires": "2026-02-30"})], "want": {"The exception number 0, counted from 0, expires on 2026-02-30, which is no date such as 2026-12-31"}},
		"a time": {"given": [_with({"expires": "2026-12-31T12:00:00Z"})], "want": {"The exception number 0, counted from 0, expires on 2026-12-31T12:00:00Z, which is no date such as 2026-12-31"}},
	}
	exceptions.malformed == case.want with data.exceptions as case.given
}

test_stale[name] if {
	some name, case in {
		"used": {"exception": _exception, "findings": [_finding], "want": set()},
		"mended": {"exception": _exception, "findings": [], "want": {"The exception of o for r covers nothing that is found any more"}},
		"changed": {"exception": _with({"fingerprint": "sha256:2"}), "findings": [_finding], "want": {"The exception of o for r covers something else than what is found now"}},
		"expired": {"exception": _with({"expires": "2026-11-22"}), "findings": [_finding], "want": {"The exception of o for r expired on 2026-11-22"}},
		"a resource that is gone": {"exception": _with({"resource": "urn:pulumi:b::p::t::gone"}), "findings": [_finding], "want": {"The exception of o for r covers nothing that is found any more"}},
		"another stack": {"exception": _with({"resource": "urn:pulumi:a::p::t::x"}), "findings": [], "want": set()},
		"another stack, expired": {"exception": _with({"resource": "urn:pulumi:a::p::t::x", "expires": "2026-11-22"}), "findings": [], "want": set()},
		"malformed": {"exception": _with({"reason": ""}), "findings": [], "want": set()},
		"what both halves have to be shown for": {"exception": _with({"rule": "one-sided-grant"}), "findings": [], "want": set()},
	}
	stale := exceptions.stale(case.findings) with input as _preview with data.exceptions as [case.exception] with time.now_ns as _noon
	{one.message | some one in stale} == case.want
}

test_stale_of_both_halves if {
	[one] := exceptions.stale([]) with input as _stacks(["a", "b"]) with data.exceptions as [_with({"rule": "one-sided-grant"})]
		with time.now_ns as _noon
	one.stack == "b"
	one.urn == _urn
}

# The guard shows one resource at a time.
test_stale_of_what_is_shown if {
	shown := {"steps": [{"op": "create", "newState": {"urn": _urn, "type": "aws:s3/bucketPolicy:BucketPolicy"}}]}
	stale := exceptions.stale([]) with input as shown with time.now_ns as _noon
		with data.exceptions as [_exception, _with({"resource": "urn:pulumi:b::p::t::y"})]
	{one.urn | some one in stale} == {_urn}
}
