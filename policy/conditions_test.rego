package iam.conditions_test

import data.iam.conditions
import data.iam.preparation

_unknown := "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

_context := {
	"s": "Text",
	"tag": "a*",
	"number": "10",
	"decimal": "1.2",
	"date": "2025-06-01T00:00:00Z",
	"epoch": "1748736000",
	"ip": "203.0.113.7",
	"ip6": "2001:db8::7",
	"bool": "True",
	"arn": "arn:aws:s3:::b/k",
	"role": "arn:aws:iam::123456789012:role/App",
	"list": ["a", "b"],
	"one": ["a"],
	"none": [],
	"gaps": ["a", ""],
	"empty": "",
	"unknown": _unknown,
	"unknowns": ["a", _unknown],
}

_holds(conditions_of_policy, version) := truth if {
	policy := {
		"Version": version,
		"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": conditions_of_policy},
	}
	prepared := preparation.document(policy).statements[0].conditions
	truth := conditions.holds(prepared) with input.request.context as _context
}

# Each operator with a value that is alike, one that is not, and one that leaves it open; a negated operator turns them round.
test_operators[operator] if {
	some operator, case in {
		"StringEquals": {"key": "s", "yes": "Text", "no": ["text", "T*", "Tex"], "open": [_unknown]},
		"StringEqualsIgnoreCase": {"key": "S", "yes": "tEXT", "no": ["tex", "t*"], "open": [_unknown]},
		"StringLike": {"key": "s", "yes": "T?x*", "no": ["t*", "T?"], "open": [_unknown]},
		"ArnEquals": {"key": "arn", "yes": "arn:aws:s3:::b/*", "no": ["arn:aws:s3:::b"], "open": ["arn:aws:S3:::b/k", "*", "b"]},
		"ArnLike": {"key": "role", "yes": "arn:*:iam::*:role/*", "no": ["arn:aws:iam::*:user/*"], "open": [_unknown]},
		"Bool": {"key": "bool", "yes": true, "no": ["false", 1], "open": [_unknown]},
		"NumericEquals": {"key": "number", "yes": 10.0, "no": ["11"], "open": ["ten", _unknown]},
		"NumericLessThan": {"key": "decimal", "yes": "1.3", "no": ["1.2", "1"], "open": ["x"]},
		"NumericLessThanEquals": {"key": "decimal", "yes": "1.20", "no": ["1.1"], "open": ["x"]},
		"NumericGreaterThan": {"key": "decimal", "yes": "1.1", "no": ["1.2", "2"], "open": ["x"]},
		"NumericGreaterThanEquals": {"key": "decimal", "yes": "1.2", "no": ["1.3"], "open": ["x"]},
		"DateEquals": {"key": "date", "yes": "1748736000", "no": ["2025-06-02"], "open": [_unknown]},
		"DateLessThan": {"key": "epoch", "yes": "2025-06-02", "no": ["2025-06-01"], "open": [_unknown]},
		"DateLessThanEquals": {"key": "epoch", "yes": "2025-06-01", "no": ["2025-05-31"], "open": [_unknown]},
		"DateGreaterThan": {"key": "date", "yes": "2025-05-31", "no": ["2025-06-01"], "open": [_unknown]},
		"DateGreaterThanEquals": {"key": "date", "yes": "2025-06-01", "no": ["2025-06-02"], "open": [_unknown]},
		"IpAddress": {"key": "ip", "yes": "203.0.113.0/24", "no": ["203.0.113.8", "2001:db8::/32", "::/0"], "open": [_unknown]},
	}
	_holds({operator: {case.key: case.yes}}, "2012-10-17") == 1
	_holds({operator: {case.key: array.concat(case.no, [case.yes])}}, "2012-10-17") == 1
	_holds({operator: {case.key: case.no}}, "2012-10-17") == -1
	every open in case.open {
		_holds({operator: {case.key: array.concat(case.no, [open])}}, "2012-10-17") == 0
	}
}

test_negated_operators[operator] if {
	some operator, case in {
		"StringNotEquals": {"key": "s", "yes": "other", "no": "Text", "open": _unknown},
		"StringNotEqualsIgnoreCase": {"key": "s", "yes": "other", "no": "TEXT", "open": _unknown},
		"StringNotLike": {"key": "s", "yes": "t*", "no": "T*", "open": _unknown},
		"ArnNotEquals": {"key": "arn", "yes": "arn:aws:s3:::c", "no": "arn:aws:s3:::b/*", "open": "arn:aws:S3:::b/k"},
		"ArnNotLike": {"key": "arn", "yes": "arn:aws:s3:::c", "no": "arn:aws:s3:::b/*", "open": "*"},
		"NumericNotEquals": {"key": "number", "yes": 11, "no": 10, "open": "ten"},
		"DateNotEquals": {"key": "date", "yes": "2025-06-02", "no": "2025-06-01", "open": _unknown},
		"NotIpAddress": {"key": "ip6", "yes": "203.0.113.0/24", "no": "2001:db8::/32", "open": _unknown},
	}
	_holds({operator: {case.key: case.yes}}, "2012-10-17") == 1
	_holds({operator: {case.key: case.no}}, "2012-10-17") == -1
	_holds({operator: {case.key: [case.yes, case.no]}}, "2012-10-17") == -1
	_holds({operator: {case.key: [case.yes, case.open]}}, "2012-10-17") == 0
	_holds({operator: {"missing": case.no}}, "2012-10-17") == 1
}

test_holds[note] if {
	some note, case in {
		"no condition": {"condition": {}, "truth": 1},
		"all operators": {"condition": {"StringEquals": {"s": "Text"}, "Bool": {"bool": "true"}}, "truth": 1},
		"one operator not": {"condition": {"StringEquals": {"s": "Text"}, "Bool": {"bool": "false"}}, "truth": -1},
		"one key not": {"condition": {"StringEquals": {"s": "Text", "tag": "b"}}, "truth": -1},
		"one open, one not": {"condition": {"StringEquals": {"s": _unknown, "tag": "b"}}, "truth": -1},
		"one open": {"condition": {"StringEquals": {"s": _unknown, "tag": "a*"}}, "truth": 0},
		"unknown operators": {"condition": _unknown, "truth": 0},
		"unknown keys": {"condition": {"StringEquals": _unknown}, "truth": 0},
		"a missing key": {"condition": {"StringEquals": {"missing": "x"}}, "truth": -1},
		"a missing key, if it exists": {"condition": {"StringEqualsIfExists": {"missing": "x"}}, "truth": 1},
		"a key that exists, if it exists": {"condition": {"StringEqualsIfExists": {"s": "x"}}, "truth": -1},
		"missing and to be so": {"condition": {"Null": {"missing": "true"}}, "truth": 1},
		"missing and not to be so": {"condition": {"Null": {"missing": "false"}}, "truth": -1},
		"there and to be so": {"condition": {"Null": {"s": false}}, "truth": 1},
		"there and not to be so": {"condition": {"Null": {"s": "TRUE"}}, "truth": -1},
		"there, of several values": {"condition": {"Null": {"list": "false"}}, "truth": 1},
		"neither to be there nor not": {"condition": {"Null": {"s": "maybe"}}, "truth": 0},
		"there, but empty": {"condition": {"Null": {"empty": "false"}}, "truth": 0},
		"there, but without values": {"condition": {"Null": {"none": "true"}}, "truth": 0},
		"there, but unknown": {"condition": {"Null": {"unknown": "true"}}, "truth": 0},
		"Null with a set operator": {"condition": {"ForAllValues:Null": {"s": "true"}}, "truth": 0},
		"all values": {"condition": {"ForAllValues:StringEquals": {"list": ["a", "b", "c"]}}, "truth": 1},
		"not all values": {"condition": {"ForAllValues:StringEquals": {"list": ["a"]}}, "truth": -1},
		"all of no values": {"condition": {"ForAllValues:StringEquals": {"none": "a"}}, "truth": 1},
		"all of a missing key": {"condition": {"ForAllValues:StringEquals": {"missing": "a"}}, "truth": 1},
		"all values of a negated operator": {"condition": {"ForAllValues:StringNotEquals": {"list": "c"}}, "truth": 1},
		"all of a single value": {"condition": {"ForAllValues:StringEquals": {"s": "Text"}}, "truth": 1},
		"all, one unknown": {"condition": {"ForAllValues:StringEquals": {"unknowns": "a"}}, "truth": 0},
		"any value": {"condition": {"ForAnyValue:StringEquals": {"list": ["b", "c"]}}, "truth": 1},
		"no value": {"condition": {"ForAnyValue:StringEquals": {"list": ["c"]}}, "truth": -1},
		"any of no values": {"condition": {"ForAnyValue:StringEquals": {"none": "a"}}, "truth": -1},
		"any of a missing key": {"condition": {"ForAnyValue:StringEquals": {"missing": "a"}}, "truth": -1},
		"any of a missing key, negated": {"condition": {"ForAnyValue:StringNotEquals": {"missing": "a"}}, "truth": -1},
		"any of a missing key, if it exists": {"condition": {"ForAnyValue:StringEqualsIfExists": {"missing": "a"}}, "truth": 1},
		"any, negated, all pass": {"condition": {"ForAnyValue:StringNotEquals": {"list": "c"}}, "truth": 1},
		"any, negated, none passes": {"condition": {"ForAnyValue:StringNotEquals": {"list": ["a", "b"]}}, "truth": -1},
		"any, negated, one passes": {"condition": {"ForAnyValue:StringNotEquals": {"list": "a"}}, "truth": 0},
		"several values without a set operator": {"condition": {"StringEquals": {"list": "a"}}, "truth": 0},
		"several values, one empty": {"condition": {"ForAllValues:StringEquals": {"gaps": "a"}}, "truth": 0},
		"several values, one empty, all the same": {"condition": {"ForAnyValue:StringEquals": {"gaps": "a"}}, "truth": 1},
		"an empty value as asked for": {"condition": {"StringEquals": {"empty": ""}}, "truth": 0},
		"an empty value that does not match": {"condition": {"StringEquals": {"empty": "a"}}, "truth": -1},
		"an empty value that is not to match": {"condition": {"StringNotEquals": {"empty": "a"}}, "truth": 1},
		"an unknown value": {"condition": {"StringLike": {"unknown": "x"}}, "truth": 0},
		"a variable": {"condition": {"StringEquals": {"s": "${s}"}}, "truth": 1},
		"a variable in a pattern": {"condition": {"StringLike": {"s": ["x", "${s}*"]}}, "truth": 1},
		"a variable, letter case aside": {"condition": {"StringEqualsIgnoreCase": {"s": "t${missing, 'EXT'}"}}, "truth": 1},
		"a wildcard of a variable": {"condition": {"StringLike": {"arn": "arn:${tag}"}}, "truth": 0},
		"a wildcard of a variable is a character in equality": {"condition": {"StringEquals": {"tag": "${tag}"}}, "truth": 1},
		"a variable without a value": {"condition": {"StringEquals": {"s": "${missing}"}}, "truth": -1},
		"not a variable without a value": {"condition": {"StringNotEquals": {"s": "${missing}"}}, "truth": 1},
		"a variable with an unknown value": {"condition": {"StringEquals": {"s": "${unknown}"}}, "truth": 0},
		"a variable in an ARN": {"condition": {"ArnLike": {"arn": "arn:aws:s3:::b/${missing, 'k'}"}}, "truth": 1},
		"a variable that is an ARN": {"condition": {"ArnEquals": {"arn": "${arn}"}}, "truth": 1},
		"an ARN with a variable without a value": {"condition": {"ArnEquals": {"arn": "arn:aws:s3:::${missing}"}}, "truth": -1},
		"no variables for numbers": {"condition": {"NumericEquals": {"number": "${number}"}}, "truth": 0},
		"a value that is no ARN": {"condition": {"ArnLike": {"s": "arn:aws:s3:::b"}}, "truth": 0},
		"a value that is no number": {"condition": {"NumericEquals": {"s": "1"}}, "truth": 0},
		"a value that is no date": {"condition": {"DateEquals": {"s": "2025-01-01"}}, "truth": 0},
		"a value that is no address": {"condition": {"IpAddress": {"s": "203.0.113.0/24"}}, "truth": 0},
		"binary": {"condition": {"BinaryEquals": {"s": "VGV4dA=="}}, "truth": 0},
	}
	_holds(case.condition, "2012-10-17") == case.truth
}

test_the_older_version_has_no_variables if {
	_holds({"StringEquals": {"s": "${s}"}}, "2008-10-17") == -1
}
