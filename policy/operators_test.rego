package iam.operators_test

import data.iam.operators

test_parse[written] if {
	some written, expected in {
		"StringEquals": {"set": "", "if_exists": false, "compares": "text", "negated": false},
		"ForAllValues:StringNotLike": {"set": "ForAllValues", "if_exists": false, "compares": "pattern", "negated": true},
		"ForAnyValue:BoolIfExists": {"set": "ForAnyValue", "if_exists": true, "compares": "bool", "negated": false},
	}
	operators.parse(written) == expected
}

test_no_operator_of_aws[written] if {
	some written in ["", "stringEquals", "StringContains", "ForSomeValues:StringEquals", "NullIfExists", "IfExists"]
	not operators.parse(written)
}

test_text[text] if {
	some text, value in {"x": "x", "true": true, "1": 1, "1.20": 1.20}
	operators.text(value) == text
}

test_number[text] if {
	some text, number in {"0": 0, "-1": -1, "1.2": 1.2, "1.20": 1.2, "20240101000000000001": 20240101000000000001}
	operators.number(text) == number
}

test_no_number[text] if {
	some text in ["", "one", "1e3", "01", ".5", "1.", "+1", "0x10", "1 "]
	not operators.number(text)
}

test_instant[text] if {
	some text, seconds in {
		"1735689600": 1735689600,
		"-1": -1,
		"2025-01-01": 1735689600,
		"2025-01-01T00:00Z": 1735689600,
		"2025-01-01T00:00:00Z": 1735689600,
		"2025-01-01T01:00:00+01:00": 1735689600,
		"2025-01-01T00:00:00.5Z": 1735689600.5,
		"9999-12-31T23:59:59Z": 253402300799,
		"1600-02-29": -11670998400,
	}
	operators.instant(text) == seconds * 1000000000
}

test_no_instant[text] if {
	some text in ["", "now", "2025", "2025-13-01", "2025-02-30", "2025-01-01T00:00:00", "2025-01-01 00:00:00Z", "20250101T000000Z"]
	not operators.instant(text)
}

test_network[text] if {
	some text, range in {
		"203.0.113.7": "203.0.113.7/32",
		"203.0.113.0/24": "203.0.113.0/24",
		"2001:db8::1": "2001:db8::1/128",
		"::/0": "::/0",
	}
	operators.network(text) == range
}

test_no_network[text] if {
	some text in ["", "203.0.113", "203.0.113.0/33", "2001:db8::/129", "localhost"]
	not operators.network(text)
}
