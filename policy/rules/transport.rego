# METADATA
# title: Transport
# description: Which requests a policy lets come over a connection that it should refuse, whatever else it allows.
package iam.transport

import data.iam.actions
import data.iam.conditions
import data.iam.principals
import data.iam.resources
import data.iam.standins

# METADATA
# title: Surface
# description: |
#   What can be asked of the bucket, queue or topic that a policy is attached to, as {"account", "service", "all", "actions"}; undefined for
#   anything else. All are the patterns that together name every resource; the actions are by the ARN of a resource, {ARN: {action}}.
# scope: document
surface(attached) := {
	"account": attached.account,
	"service": "s3",
	"all": {attached.arn, concat("", [attached.arn, "/*"])},
	"actions": {
		attached.arn: actions.on("s3", "bucket"),
		concat("", [attached.arn, _key]): actions.on("s3", "object"),
	},
} if {
	attached.kind == "bucket"
}

surface(attached) := _surface(attached, "sqs", actions.on("sqs", "queue")) if attached.kind == "queue"

surface(attached) := _surface(attached, "sns", actions.on("sns", "topic") - _not_of_topics) if attached.kind == "topic"

_surface(attached, service, names) := {
	"account": attached.account,
	"service": service,
	"all": {attached.arn},
	"actions": {attached.arn: names},
}

# Actions on topics that the policy of a topic cannot name: SNS refuses it ("Policy statement action out of service scope").
# https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html
_not_of_topics := {"sns:ConfirmSubscription", "sns:CreateTopic", "sns:TagResource", "sns:UntagResource"}

# METADATA
# title: A request that is not refused
# description: |
#   A request, of a context with the given choices, that no Deny of the prepared document stops, as {"principal", "action", "resource",
#   "context"}; undefined where every one is stopped. The surface is what can be asked for, as surface gives it.
not_refused(document, surface, choices) := object.union(first, {"action": action, "resource": arn}) if {
	denies := [statement | some statement in document.statements; statement.effect == "Deny"]
	not _one_refuses_all(denies, surface, choices)
	stopped := [_stopped(statement, denies, surface) | some statement in denies]
	pairs := {[arn, action] |
		some known, in_there in surface.actions
		some arn in _like(known, denies)
		some action in in_there
	}
	lets := {request: by |
		callers := standins.principals(document, surface.account)
		contexts := standins.contexts([condition | some statement in denies; some condition in statement.conditions], choices)
		named := [{caller | some caller in callers; _names(statement, caller, surface)} | some statement in denies]
		held := [{context | some context in contexts; _holds(statement, context, surface)} | some statement in denies]
		some caller in callers
		some context in contexts
		by := {i | some i, _ in denies; caller in named[i]; context in held[i]}
		request := {"principal": caller, "context": context}
	}
	groups := {by | some by in lets} # each once: OPA loses keys of an object that come again
	left := {by: rest |
		some by in groups
		rest := pairs - union({stopped[i] | some i in by})
	}
	first := min({request | some request, by in lets; count(left[by]) > 0})
	[arn, action] := min(_telling(left[lets[first]]))
}

# How nearly everybody writes it: one Deny, for everybody, of everything, with no other condition.
_one_refuses_all(denies, surface, choices) if {
	some statement in denies
	statement.principal.names == "everyone"
	some action in _list(statement.source.Action)
	lower(action) in {"*", concat("", [surface.service, ":*"])}
	_names_all(statement.source.Resource, surface)
	every condition in statement.conditions {
		choices[condition.context_key]
	}
	every context in standins.contexts(statement.conditions, choices) {
		_holds(statement, context, surface)
	}
}

_names_all(named, _) if "*" in _list(named)

_names_all(named, surface) if surface.all - {pattern | some pattern in _list(named)} == set()

# What a Deny stops, for those whom it is about: pairs of ARN and action.
_stopped(statement, denies, surface) := {[arn, action] |
	statement.action.truth == 1
	some known, in_there in surface.actions
	arns := {arn | some arn in _like(known, denies); _covers(statement, arn, surface)}
	arns != set()
	some action in in_there
	regex.match(statement.action.pattern, action) == statement.action.covers
	some arn in arns
}

# Of many requests, one that everybody knows tells most.
_telling(pairs) := known if {
	known := {[arn, action] | some [arn, action] in pairs; action in {"s3:GetObject", "s3:ListBucket", "sns:Publish", "sqs:SendMessage"}}
	known != set()
}

else := pairs

# METADATA
# title: Too much to try
# description: |
#   True where the prepared document names too many values for all combinations of them to be tried, so that nothing is known.
undecided(document, surface, choices) if {
	denies := [statement | some statement in document.statements; statement.effect == "Deny"]
	not _one_refuses_all(denies, surface, choices)
	not standins.contexts([condition | some statement in denies; some condition in statement.conditions], choices)
}

# Any object of a bucket; no policy has a reason to name this one.
_key := "/key"

# A resource, and where it is any object, those that the statements tell from others.
_like(known, denies) := {known} | {object_arn |
	endswith(known, _key)
	within := trim_suffix(known, "key")
	some statement in denies
	some element in ["Resource", "NotResource"]
	some pattern in _list(object.get(statement.source, element, []))
	startswith(pattern, within)
	object_arn := standins.instance(pattern)
}

_list(value) := value if is_array(value)

else := [value]

_covers(statement, arn, surface) if {
	resources.covers(statement.resource) == 1 with input as _case("anonymous", arn, surface, {})
}

_names(statement, _, _) if statement.principal.names == "everyone"

_names(statement, caller, surface) if {
	some [_, 1] in principals.names(statement) with input as _case(caller, "arn:aws:s3:::b", surface, {})
}

_holds(statement, context, surface) if {
	conditions.holds(statement.conditions) == 1 with input as _case("anonymous", "arn:aws:s3:::b", surface, context)
}

_case(principal, arn, surface, context) := {"request": {
	"principal": principal,
	"action": "s3:GetObject",
	"resource": {"resource": arn, "accountId": surface.account},
	"context": context,
}}
