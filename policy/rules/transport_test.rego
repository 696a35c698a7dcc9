package iam.transport_test

import data.iam.preparation
import data.iam.transport

_surface := {"account": "987654321098", "service": "s3", "all": {"arn:aws:s3:::b", "arn:aws:s3:::b/*"}, "actions": {"arn:aws:s3:::b": ["s3:ListBucket"], "arn:aws:s3:::b/key": ["s3:GetObject"]}}

_deny(change) := preparation.document({"Statement": [object.union({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}, change)]})

test_surface if {
	"s3:GetObject" in transport.surface({"kind": "bucket", "arn": "arn:aws:s3:::b", "account": "1"}).actions["arn:aws:s3:::b/key"]
	"sqs:SendMessage" in transport.surface({"kind": "queue", "arn": "q", "account": "1"}).actions.q
	"sns:Publish" in transport.surface({"kind": "topic", "arn": "t", "account": "1"}).actions.t
	not "sns:TagResource" in transport.surface({"kind": "topic", "arn": "t", "account": "1"}).actions.t
	not transport.surface({"kind": "key", "arn": "k", "account": "1"})
}

test_not_refused if {
	not transport.not_refused(_deny({}), _surface, {})
	odd := object.union(_surface, {"actions": {"arn:aws:s3:::b": ["s3:PutBucketTagging"], "arn:aws:s3:::b/key": []}})
	transport.not_refused({"statements": []}, odd, {}).action == "s3:PutBucketTagging"
	transport.not_refused(_deny({"Action": "s3:GetObject"}), _surface, {"k": ["v"]}) == {"principal": "anonymous", "action": "s3:ListBucket", "resource": "arn:aws:s3:::b", "context": {"k": "v"}}
	all_but := {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "NotResource": "arn:aws:s3:::b/private/*"}
	transport.not_refused(preparation.document({"Statement": all_but}), _surface, {}).resource == "arn:aws:s3:::b/private/x"
}

# Each request is told apart by whether the one Deny is about it, and both kinds come more than once.
test_a_deny_that_leaves_out_one_of_many if {
	left := transport.not_refused(_deny({"Condition": {"StringNotEquals": {"aws:userid": "AIDAEXAMPLE0000000000"}}}), _surface, {})
	left.context == {"aws:userid": "AIDAEXAMPLE0000000000"}
	root := "arn:aws:iam::987654321098:root"
	all_but := {"Effect": "Deny", "NotPrincipal": {"AWS": root}, "Action": "s3:*", "Resource": "*"}
	transport.not_refused(preparation.document({"Statement": all_but}), _surface, {}).principal == root
}

# One Deny stands for all only where it leaves nothing out.
test_one_deny_that_leaves_something[name] if {
	some name, change in {
		"others": {"Principal": {"AWS": "arn:aws:iam::123456789012:role/R"}},
		"the bucket": {"Resource": "arn:aws:s3:::b/*"},
		"the objects": {"Resource": ["arn:aws:s3:::b"]},
		"all, being for another bucket": {"Resource": ["arn:aws:s3:::c", "arn:aws:s3:::c/*"]},
		"one of two values": {"Condition": {"StringEquals": {"k": "v"}}},
		"what has another key": {"Condition": {"StringEquals": {"l": "v"}}},
		"every other service": {"Action": "sqs:*"},
	}
	transport.not_refused(_deny(change), _surface, {"k": ["v", "w"]})
}

test_undecided if {
	not transport.undecided(_deny({}), _surface, {})
	too_much := {"Condition": {"StringEquals": {sprintf("k%d", [i]): "v" | some i in numbers.range(1, 9)}}}
	transport.undecided(_deny(too_much), _surface, {})
	one := object.union(_deny({}).statements[0], {"index": 1})
	not transport.undecided({"statements": array.concat(_deny(too_much).statements, [one])}, _surface, {})
}
