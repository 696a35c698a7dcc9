# METADATA
# title: Exposure
# description: |
#   Whom a policy lets in that it does not name: how far a statement for everybody is bounded by its conditions, and by what the rest of
#   the policy denies, decided by whether a stranger's request gets through.
# related_resources:
#   - description: Condition keys of the caller, of the network and of the request
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
package iam.exposure

import data.iam.actions
import data.iam.conditions
import data.iam.preparation
import data.iam.principals
import data.iam.resources
import data.iam.standins

# METADATA
# title: Open statements
# description: |
#   Each Allow for principals that it does not name, as {"index", "severity", "witness"}: critical where a stranger gets in, high where
#   only something that a stranger can have or forge stands in the way, or where there is too much to try, medium where the conditions
#   really bound the caller. The witness is the stranger's request, null where there is none. The attached resource is {"arn", "account"}.
open_statements(policy, attached) := [object.union({"index": statement.index}, verdict) |
	document := preparation.document(policy)
	some statement in document.statements
	statement.effect == "Allow"
	for_anybody(statement)
	verdict := _verdict(document, statement, attached)
]

# METADATA
# title: Deputies
# description: |
#   Each Allow for an AWS service that lets the service act for strangers too, as {"index", "service", "witness"}: the witness is the
#   service's request for a resource of somebody else.
# related_resources:
#   - description: The confused deputy problem
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
deputies(policy, attached) := [{"index": statement.index, "service": service, "witness": witness} |
	document := preparation.document(policy)
	some statement in document.statements
	statement.effect == "Allow"
	some ["Service", service] in statement.principal.names
	not contains(service, "*")
	not _keeps_apart(service, statement)
	witness := _gets_in_as({service}, document, statement, attached, "plain")
]

# A load balancer's logs only ever go to where the id of its account is.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
_keeps_apart("logdelivery.elasticloadbalancing.amazonaws.com", statement) if {
	every resource in _list(statement.source.Resource) {
		regex.match(`/AWSLogs/[0-9]{12}/`, resource)
	}
}

# METADATA
# title: For anybody
# description: True for a prepared statement whose principals are not all named.
# scope: document
for_anybody(statement) if statement.principal.names == "everyone"

for_anybody(statement) if not statement.principal.covers

for_anybody(statement) if {
	some [_, name] in statement.principal.names
	contains(name, "*")
}

# METADATA
# title: Accounts
# description: The ids of the accounts that a prepared statement names as a whole.
accounts(statement) := {id |
	statement.principal.covers
	some ["AWS", name] in statement.principal.names
	regex.match(`^([0-9]{12}|arn:[^:]*:iam::[0-9]{12}:root)$`, name)
	[id] := regex.find_n(`[0-9]{12}`, name, 1)
}

# METADATA
# title: Only delegates
# description: True for a statement that leaves it to the account of the resource itself who may, as the policy of a KMS key has to.
only_delegates(statement, attached) if {
	count(statement.principal.names) > 0
	every named in statement.principal.names {
		named[0] == "AWS"
		named[1] in {attached.account, concat("", ["arn:aws:iam::", attached.account, ":root"])}
	}
}

_verdict(document, statement, attached) := {"severity": "critical", "witness": witness} if {
	witness := _gets_in(document, statement, attached, "plain")
}

else := {"severity": "high", "witness": witness} if witness := _gets_in(document, statement, attached, "crafted")

else := {"severity": "high", "witness": null} if _too_much(document, attached)

else := {"severity": "medium", "witness": null}

# What has not been tried is not known to bound anybody.
_too_much(document, attached) if {
	looked_at := [condition | some one in document.statements; some condition in one.conditions]
	not standins.contexts(looked_at, _choices(standins.stranger(document, attached.account), looked_at, "crafted"))
}

# A request by which a stranger gets in through the statement; undefined where there is none among those tried.
_gets_in(document, statement, attached, effort) := _gets_in_as(callers, document, statement, attached, effort) if {
	callers := _strangers(document, statement, attached)
}

_gets_in_as(callers, document, statement, attached, effort) := _telling(found) if {
	looked_at := [condition | some one in document.statements; some condition in one.conditions]
	found := sort([{"principal": caller, "action": action, "resource": resource, "context": context} |
		some caller in callers
		some context in standins.contexts(looked_at, _choices(caller, looked_at, effort))
		some resource in _resources(statement, document, attached)
		some action in _actions(statement, document)
		case := {"request": {
			"principal": caller, "action": action, "context": context,
			"resource": {"resource": resource, "accountId": attached.account},
		}}
		conditions.holds(statement.conditions) > -1 with input as case
		not _denied(document, case)
	])
}

# Of many requests, one that is not over plain http, for an action that there is on the resource, tells most.
_telling(found) := fitting[0] if {
	fitting := [request | some request in found; _secure(request); _fits(request)]
}

else := secure[0] if secure := [request | some request in found; _secure(request)]

else := found[0]

_secure(request) if object.get(request.context, "aws:securetransport", "true") == "true"

_fits(request) if {
	types := actions.types(request.action)
	others := {true: {"bucket"}, false: {"object"}}[contains(request.resource, "/")]
	types & {"bucket", "object"} != others
}

_denied(document, case) if {
	some statement in document.statements
	statement.effect == "Deny"
	statement.action.truth == 1
	regex.match(statement.action.pattern, case.request.action) == statement.action.covers
	some [_, 1] in principals.names(statement) with input as case
	resources.covers(statement.resource) == 1 with input as case
	conditions.holds(statement.conditions) == 1 with input as case
}

# Services are strangers to a statement for services.
_strangers(document, statement, attached) := {"cloudtrail.amazonaws.com"} if {
	some ["Service", name] in statement.principal.names
	contains(name, "*")
}

else := {stranger, _loner(stranger), "anonymous"} | {service |
	some condition in statement.conditions
	some service in _services_behind(condition)
} if {
	stranger := standins.stranger(document, attached.account)
}

# A stranger whose account is in no organization.
_loner(stranger) := replace(stranger, "/Stranger/", "/Loner/")

# Where a policy asks for a service, a stranger is somebody for whom that service acts.
_services_behind(condition) := {"cloudtrail.amazonaws.com"} if {
	condition.context_key in {"aws:sourcearn", "aws:sourceaccount", "aws:principalisawsservice"}
}

_services_behind(condition) := standins.instances(condition) if {
	condition.context_key in {"aws:principalservicename", "aws:principalservicenameslist"}
}

# What a stranger's request can carry of the keys that the policy looks at and a stranger cannot choose freely.
_choices(caller, looked_at, effort) := {condition.context_key: values |
	some condition in looked_at
	values := _values(caller, condition.context_key, looked_at, effort)
}

_values(_, "aws:securetransport", _, _) := ["true", "false"]

# S3 does not speak less than 1.2 any more.
_values(_, "s3:tlsversion", _, _) := ["1.3"]

_values(caller, key, _, _) := [caller] if {
	key in {"aws:principalservicename", "aws:principalservicenameslist"}
	endswith(caller, ".amazonaws.com")
}

_values(caller, key, _, _) := [null] if {
	key in {"aws:principalservicename", "aws:principalservicenameslist"}
	not endswith(caller, ".amazonaws.com")
}

_values(caller, "aws:principalisawsservice", _, _) := [sprintf("%v", [endswith(caller, ".amazonaws.com")])]

# Who may do a thing may have a service do it.
_values(_, "aws:viaawsservice", _, _) := ["false", "true"]

_values(_, key, _, "plain") := [null] if key in {"aws:referer", "aws:useragent"}

_values(_, "aws:sourceip", looked_at, "plain") := [[address |
	some address in ["198.51.100.7", "203.0.113.7", "192.0.2.7"]
	not _listed(address, looked_at)
][0]]

_values(_, "aws:sourceip", looked_at, "crafted") := [address |
	some condition in looked_at
	condition.context_key == "aws:sourceip"
	some address in standins.instances(condition)
	not _private(address)
]

_values(_, key, _, _) := [null] if key in _of_others

_values(caller, key, _, _) := [null] if {
	key in _of_the_caller
	not startswith(caller, "arn:")
}

_values(caller, "aws:principalaccount", _, _) := [split(caller, ":")[4]] if startswith(caller, "arn:")

_values(caller, "kms:calleraccount", _, _) := [split(caller, ":")[4]] if startswith(caller, "arn:")

_values(caller, "aws:principalorgid", _, _) := ["o-stranger00"] if contains(caller, "/Stranger/")

_values(caller, "aws:principalorgpaths", _, _) := ["o-stranger00/r-0000/ou-0000-00000000/"] if contains(caller, "/Stranger/")

_values(caller, key, _, _) := [null] if {
	key in {"aws:principalorgid", "aws:principalorgpaths"}
	contains(caller, "/Loner/")
}

# The id is AWS's to give, the session's name the stranger's to choose.
_values(caller, "aws:userid", looked_at, _) := [concat(":", ["AROASTRANGER000000000", name]) |
	some name in ({"session"} | {name |
		some condition in looked_at
		condition.context_key == "aws:userid"
		some text in standins.instances(condition)
		[_, name] := split(text, ":")
	})
] if {
	startswith(caller, "arn:")
}

# A stranger can have access points of its own, of the bucket as well.
_values(_, "s3:dataaccesspointaccount", _, _) := [null, "000000000000"]

_values(_, "s3:dataaccesspointarn", looked_at, _) := array.concat([null], [arn |
	some condition in looked_at
	condition.context_key == "s3:dataaccesspointarn"
	some text in standins.instances(condition)
	arn := _in_account(text, "000000000000")
])

# A stranger chooses the names in an account of its own.
_values(caller, "aws:principalarn", looked_at, _) := [arn |
	some condition in looked_at
	condition.context_key == "aws:principalarn"
	some arn in ({caller} | {_in_account(text, split(caller, ":")[4]) | some text in standins.instances(condition)})
] if {
	startswith(caller, "arn:")
}

# Without a signature, only a function's URL lets somebody in, one of that type.
_values("anonymous", "lambda:functionurlauthtype", _, _) := ["NONE"]

# A service that has such a token, as Alexa, sends that of the one for whom it acts; people would have to know it.
_values(_, "lambda:eventsourcetoken", _, "plain") := [null, "stranger"]

_values(_, "aws:sourcevpce", _, _) := [null, "vpce-0stranger"]

_values(_, "aws:sourcevpc", _, _) := [null, "vpc-0stranger"]

_values(caller, key, _, _) := [null] if {
	key in {"aws:sourceaccount", "aws:sourcearn"}
	not endswith(caller, ".amazonaws.com")
}

# A service acts for anybody's resources, and says whose.
_values(caller, "aws:sourceaccount", looked_at, _) := array.concat(["000000000000"], [id |
	some pattern in _asked_for(looked_at, "aws:sourceaccount")
	some id in _ids_like(pattern)
]) if {
	endswith(caller, ".amazonaws.com")
}

_values(caller, key, looked_at, _) := array.concat(["arn:aws:s3:::stranger"], [arn |
	some pattern in _asked_for(looked_at, key)
	some arn in _strangers_like(pattern)
]) if {
	endswith(caller, ".amazonaws.com")
	regex.match(_sources, key)
}

# Services say whose thing it is by its ARN, also in what they have KMS encrypt.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
_sources := `^(?:aws:sourcearn|kms:encryptioncontext:aws:.*arn)$`

_asked_for(looked_at, key) := {text |
	some condition in looked_at
	condition.context_key == key
	some text in _list(condition.wanted)
	is_string(text)
}

# ARNs of a stranger's that are like a pattern.
_strangers_like(pattern) := {arn |
	some id in ({"000000000000"} | {id |
		[account] := array.slice(split(pattern, ":"), 4, 5)
		some id in _ids_like(account)
	})
	arn := standins.instance(_in_account(pattern, id))
} | {arn | arn := _anybodys(pattern)}

# A bucket's name does not tell whose it is, and anybody may get it one day; nor does an ARN without an account and with a wildcard.
_anybodys(pattern) := standins.instance(pattern) if contains(pattern, ":s3:::")

else := standins.instance(pattern) if regex.match("^(?:[^:]*:){4}:.*[*?]", pattern)

# Ids of accounts that a pattern of them covers.
_ids_like(pattern) := {id |
	regex.match(`^[0-9?]*[*?][0-9*?]*$`, pattern)
	some digit in ["0", "1"]
	filled := replace(pattern, "?", digit)
	missing := 12 - count(replace(filled, "*", ""))
	missing >= 0
	id := replace(regex.replace(filled, `^([0-9]*)\*`, concat("", ["${1}", substring("000000000000", 0, missing)])), "*", "")
}

_in_account(arn, account) := regex.replace(arn, `^((?:[^:]*:){4})[^:]+(:.*)$`, concat("", ["${1}", account, "${2}"])) if {
	regex.match(`^(?:[^:]*:){4}[^:]+:`, arn)
}

# What AWS says of the caller that only an account's own principals have.
_of_the_caller := {
	"aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:principalorgpaths", "aws:userid", "aws:username",
	"kms:calleraccount",
}

# What AWS only says of requests that are not a stranger's: those that a service makes for somebody else, or that come through the
# accounts' own doors.
_of_others := {"aws:sourceorgid", "aws:sourceorgpaths", "aws:sourcevpcarn", "aws:vpceaccount", "aws:vpceorgid", "aws:vpceorgpaths"}

# An address of a range that is asked for, and is not a good part of all addresses, is not one that anybody has.
_listed(address, looked_at) if {
	some condition in looked_at
	condition.context_key == "aws:sourceip"
	some network in condition.networks
	to_number(split(network, "/")[1]) > 7
	net.cidr_contains(network, address)
}

_private(address) if {
	some network in _private_networks
	net.cidr_contains(network, address)
}

# One resource will do where no Deny makes a difference between them.
_resources(statement, document, attached) := tried if {
	tried := {resource |
		some resource in _candidates(statement, document, attached)
		resources.covers(statement.resource) == 1 with input as {"request": {"resource": {"resource": resource}}}
	}
	tried != set()
} else := {standins.instance(pattern) | some pattern in _list(statement.source.Resource)} if statement.source.Resource

# Of other resources than buckets, the region in the ARN that they are attached by is a guess.
_candidates(statement, document, attached) := named | _within(attached) if {
	named := {resource |
		some one in array.concat([statement], _denying(document))
		some name in ["Resource", "NotResource"]
		some pattern in _list(object.get(one.source, name, []))
		startswith(pattern, "arn:")
		some resource in _instances(pattern, document)
	}
	named != set()
} else := {attached.arn} | _within(attached)

_within(attached) := {attached.arn} | {concat("/", [attached.arn, name]) | some name in ["x", "z9"]} if {
	contains(attached.arn, ":s3:::")
} else := set()

_instances(pattern, document) := {standins.instance(pattern)} if _denying(document) == []

else := {standins.instance(pattern), replace(replace(pattern, "*", "z9"), "?", "z")}

_denying(document) := [one | some one in document.statements; one.effect == "Deny"]

# One action will do where no Deny makes a difference between them.
_actions(statement, document) := {action | some pattern in patterns; some action in _expansion(pattern)} if {
	some one in document.statements
	one.effect == "Deny"
	patterns := _patterns(statement)
}

else := {_sample(pattern) | some pattern in _patterns(statement)}

_patterns(statement) := {pattern | some pattern in _list(statement.source.Action)} if statement.source.Action

# All but some: those that are left are as good as any.
else := {action |
	some action, _ in actions.levels
	regex.match(statement.action.pattern, action) == false
}

# A pattern for a service that the catalogue does not have still stands for something.
_expansion(pattern) := known if {
	known := actions.expansion(pattern)
	known != set()
}

else := {standins.instance(pattern)}

_sample(pattern) := sort(_expansion(pattern))[0] if regex.match(`[*?]`, pattern)

else := pattern

_list(value) := value if is_array(value)

else := [value]

_private_networks := {
	"10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
	"fc00::/7", "fe80::/10",
}
