package iam.standins_test

import data.iam.preparation
import data.iam.standins

_document(principal) := preparation.document({"Statement": {"Effect": "Allow", "Principal": principal, "Action": "s3:*", "Resource": "*"}})

test_principals[name] if {
	some name, case in {
		"an account": {"principal": {"AWS": "123456789012"}, "want": "arn:aws:sts::123456789012:assumed-role/Any/session"},
		"a root": {"principal": {"AWS": "arn:aws:iam::123456789012:root"}, "want": "arn:aws:sts::123456789012:assumed-role/Any/session"},
		"a role": {"principal": {"AWS": "arn:aws:iam::123456789012:role/p/R"}, "want": "arn:aws:sts::123456789012:assumed-role/R/session"},
		"a user": {"principal": {"AWS": "arn:aws:iam::123456789012:user/u"}, "want": "arn:aws:iam::123456789012:user/u"},
		"a service": {"principal": {"Service": "sns.amazonaws.com"}, "want": "sns.amazonaws.com"},
		"nobody in particular": {"principal": {"AWS": "AROAABCDEFGHIJKLMNOPQ"}, "want": "anonymous"},
		"another kind": {"principal": {"CanonicalUser": "c"}, "want": "anonymous"},
	}
	case.want in standins.principals(_document(case.principal), "987654321098")
}

test_a_stranger_is_not_named if {
	standins.stranger(_document({"AWS": "111122223333"}), "987654321098") == "arn:aws:sts::000000000000:assumed-role/Stranger/session"
	standins.stranger(_document({"AWS": ["111122223333", "000000000000"]}), "000000000001") == "arn:aws:sts::000000000002:assumed-role/Stranger/session"
	count(standins.principals(_document("*"), "")) == 3
}

_conditions(condition) := preparation.document({"Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": condition}}).statements[0].conditions

test_contexts if {
	standins.contexts([], {}) == {{}}
	standins.contexts([], {"a": ["1", null]}) == {{}, {"a": "1"}}
	standins.contexts(_conditions({"StringLike": {"k": "a*"}}), {}) == {{}, {"k": "ax"}, {"k": "something-else"}}
	standins.contexts(_conditions({"ForAnyValue:StringEquals": {"k": "a"}}), {"k": [null, "b"]}) == {{}, {"k": ["b"]}}
	count(standins.contexts(_conditions({"Bool": {"k": "true"}, "NumericEquals": {"n": "1"}}), {})) == 12
	not standins.contexts(_conditions({"StringEquals": {sprintf("k%d", [i]): "v" | some i in numbers.range(1, 9)}}), {})
}

test_instances if {
	standins.instances(_conditions({"IpAddress": {"k": ["10.0.0.0/8"]}})[0]) == set()
	standins.instances(_conditions({"DateEquals": {"k": "2026-01-01T00:00:00Z"}})[0]) == {"2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"}
	standins.instances(_conditions({"Null": {"k": "true"}})[0]) == set()
	standins.instances(_conditions({"NumericEquals": {"k": "x"}})[0]) == {"x"}
	standins.instance("a*b?") == "axbx"
}

test_what_a_variable_stands_for_is_tried_too if {
	compared := preparation.document({"Version": "2012-10-17", "Statement": {
		"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
		"Condition": {"StringLike": {"s3:prefix": "${aws:username}/*"}},
	}}).statements[0].conditions
	standins.keys(compared) == {"s3:prefix", "aws:username"}
	{"s3:prefix": "something-else/x", "aws:username": "something-else"} in standins.contexts(compared, {})
}

test_where_there_is_nothing_else if {
	standins.contexts(_conditions({"Bool": {"k": "true"}}), {}) == {{}, {"k": "true"}, {"k": "false"}}
	standins.contexts(_conditions({"Null": {"k": "true"}}), {}) == {{}, {"k": "something-else"}}
	standins.contexts(_conditions({"IpAddress": {"k": "10.0.0.0/8"}}), {}) == {{}, {"k": "10.0.0.0"}, {"k": "11.0.0.0"}}
}

# One within each list, and one outside, as long as there is one.
test_addresses[name] if {
	some name, case in {
		"none": {"lists": [], "want": {"198.51.100.7"}},
		"one network": {"lists": [["203.0.113.0/24"]], "want": {"198.51.100.7", "203.0.113.0"}},
		"the upper half": {"lists": [["128.0.0.0/1"]], "want": {"128.0.0.0", "2.0.0.1"}},
		"both halves": {"lists": [["0.0.0.0/1", "128.0.0.0/1"]], "want": {"0.0.0.0", "2001:db8::7"}},
		"all": {"lists": [["0.0.0.0/0", "::/0"]], "want": {"0.0.0.0"}},
		"one within another": {"lists": [["10.0.0.0/8"], ["10.0.0.0/16"]], "want": {"11.0.0.0", "10.0.0.0", "10.1.0.0"}},
		"one that does not begin where it says": {"lists": [["10.0.1.7/23"]], "want": {"10.0.1.7", "10.0.2.0"}},
		"side by side": {"lists": [["10.0.0.0/9"], ["10.128.0.0/9"]], "want": {"11.0.0.0", "10.0.0.0", "10.128.0.0"}},
	}
	standins.addresses(case.lists) == case.want
}
