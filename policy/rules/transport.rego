# METADATA
# title: Transport
# description: Which requests a policy lets come over a connection that it should refuse, whatever else it allows.
package iam.transport

import data.iam.actions
import data.iam.conditions
import data.iam.preparation
import data.iam.principals
import data.iam.resources
import data.iam.standins

# METADATA
# title: Surface
# description: |
#   What can be asked of the bucket, queue or topic that a policy is attached to, as {"account", "actions": {resource ARN: [action]}};
#   undefined for anything else.
# scope: document
surface(attached) := {"account": attached.account, "actions": {
	attached.arn: actions.on("s3", "bucket"),
	concat("", [attached.arn, _key]): actions.on("s3", "object"),
}} if {
	attached.kind == "bucket"
}

surface(attached) := {"account": attached.account, "actions": {attached.arn: actions.on("sqs", "queue")}} if attached.kind == "queue"

surface(attached) := {"account": attached.account, "actions": {attached.arn: actions.on("sns", "topic")}} if attached.kind == "topic"

# METADATA
# title: A request that is not refused
# description: |
#   A request, of a context with the given choices, that no Deny of the policy stops, as {"principal", "action", "resource",
#   "context"}; undefined where every one is stopped. The surface is what can be asked for, as surface gives it.
not_refused(policy, surface, choices) := object.union(first, {"action": action, "resource": arn}) if {
	document := preparation.document(policy)
	denies := [statement | some statement in document.statements; statement.effect == "Deny"]
	pairs := _pairs(surface, denies)
	stopped := [{pair | some pair in pairs; _covers(statement, pair, surface)} | some statement in denies]
	contexts := standins.contexts([condition | some statement in denies; some condition in statement.conditions], choices)
	lets := {request: by |
		some principal in standins.principals(document, surface.account)
		some context in contexts
		case := _case(principal, "s3:GetObject", "arn:aws:s3:::b", surface, context)
		by := {i | some i, statement in denies; _applies(statement, case)}
		request := {"principal": principal, "context": context}
	}
	left := {by: rest |
		some by in lets
		rest := pairs - union({stopped[i] | some i in by})
	}
	first := min({request | some request, by in lets; count(left[by]) > 0})
	[arn, action] := min(_telling(left[lets[first]]))
}

# Of many requests, one that everybody knows tells most.
_telling(pairs) := known if {
	known := {[arn, action] | some [arn, action] in pairs; action in {"s3:GetObject", "s3:ListBucket", "sns:Publish", "sqs:SendMessage"}}
	known != set()
}

else := pairs

# METADATA
# title: Too much to try
# description: True where the policy names too many values for all combinations of them to be tried, so that nothing is known.
undecided(policy, choices) if {
	document := preparation.document(policy)
	conditions := [condition |
		some statement in document.statements
		statement.effect == "Deny"
		some condition in statement.conditions
	]
	not standins.contexts(conditions, choices)
}

_pairs(surface, denies) := {[arn, action] |
	some known, in_there in surface.actions
	some arn in ({known} | {object_arn | endswith(known, _key); some object_arn in _objects(denies, trim_suffix(known, _key))})
	some action in in_there
}

# Any object of a bucket; no policy has a reason to name this one.
_key := "/key"

# The objects that the statements tell from others.
_objects(denies, bucket) := {object_arn |
	some statement in denies
	some element in ["Resource", "NotResource"]
	some pattern in _list(object.get(statement.source, element, []))
	startswith(pattern, concat("", [bucket, "/"]))
	object_arn := standins.instance(pattern)
}

_list(value) := value if is_array(value)

else := [value]

_covers(statement, [arn, action], surface) if {
	statement.action.truth == 1
	regex.match(statement.action.pattern, action) == statement.action.covers
	resources.covers(statement.resource) == 1 with input as _case("anonymous", action, arn, surface, {})
}

_applies(statement, case) if {
	some [_, 1] in principals.names(statement) with input as case
	conditions.holds(statement.conditions) == 1 with input as case
}

_case(principal, action, arn, surface, context) := {"request": {
	"principal": principal,
	"action": action,
	"resource": {"resource": arn, "accountId": surface.account},
	"context": context,
}}
