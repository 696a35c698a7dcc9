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
import data.iam.variables

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
# title: Whole accounts
# description: |
#   The ids of the accounts that a prepared statement is for as a whole: it names them, and neither its conditions nor what the document
#   denies leave only certain principals there.
whole_accounts(document, statement, attached) := {id |
	some id in _accounts(statement)
	_for_any_there(id, document, statement, attached)
}

# Whatever the conditions ask for, somebody whom none of them names may have; only who it is, nobody chooses there either.
_for_any_there(id, document, statement, attached) if {
	looked_at := _looked_at(document)
	choices := object.filter(
		{
			"aws:principalaccount": [id],
			"aws:principalarn": [concat("", ["arn:aws:iam::", id, ":role/Any"])],
			"aws:userid": ["AROAANYBODY0000000000:session"],
		},
		standins.keys(looked_at),
	)
	_through(concat("", ["arn:aws:sts::", id, ":assumed-role/Any/session"]), choices, document, statement, attached) != []
}

_for_any_there(_, document, _, _) if not standins.contexts(_looked_at(document), {})

_accounts(statement) := {id |
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
	looked_at := _looked_at(document)
	not standins.contexts(looked_at, _choices(standins.stranger(document, attached.account), document, looked_at, "crafted"))
}

_looked_at(document) := [condition | some one in document.statements; some condition in one.conditions]

# A request by which a stranger gets in through the statement; undefined where there is none among those tried.
_gets_in(document, statement, attached, effort) := _gets_in_as(callers, document, statement, attached, effort) if {
	callers := _strangers(document, statement, attached)
}

_gets_in_as(callers, document, statement, attached, effort) := _telling(sort(found)) if {
	found := [request |
		some caller in callers
		choices := _choices(caller, document, _looked_at(document), effort)
		some request in _through(caller, choices, document, statement, attached)
	]
}

# The requests of a caller that get through the statement, of those that can be made with the choices.
_through(caller, choices, document, statement, attached) := [request |
	looked_at := _looked_at(document)
	some context in standins.contexts(looked_at, choices)
	_possible(caller, context, looked_at)
	some pattern in _resources(statement, document, attached)
	resource := _filled_in(pattern, statement, context)
	some action in _actions(statement, document)
	request := {"principal": caller, "action": action, "resource": resource, "context": context}
	case := {"request": object.union(request, {"resource": {"resource": resource, "accountId": attached.account}})}
	conditions.holds(statement.conditions) > -1 with input as case
	not denied(document, case)
]

# A request comes over the internet, from an address, or through the endpoint of a VPC, which hides that.
_possible(_, context, _) if {
	context["aws:sourceip"]
	object.keys(context) & _doors == set()
}

_possible(caller, context, looked_at) if {
	not context["aws:sourceip"]
	not _comes_from_nowhere(caller, context, looked_at)
}

_comes_from_nowhere(caller, context, looked_at) if {
	not endswith(caller, ".amazonaws.com")
	keys := {condition.context_key | some condition in looked_at}
	"aws:sourceip" in keys
	keys & _doors != set()
	object.keys(context) & _doors == set()
}

# What only requests through the endpoint of a VPC tell.
_doors := {
	"aws:sourcevpc", "aws:sourcevpcarn", "aws:sourcevpce",
	"aws:vpceaccount", "aws:vpceorgid", "aws:vpceorgpaths", "aws:vpcsourceip",
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

# METADATA
# title: Denied
# description: True for a case that a statement of the prepared document certainly denies.
denied(document, case) if {
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

# AWS takes no wildcard within an ARN; if it did, one behind an account's id would stand for nobody else.
else := set() if {
	every named in statement.principal.names {
		regex.match(`^arn:[^:*]*:[^:*]*:[^:*]*:[0-9]{12}:`, named[1])
	}
	statement.principal.covers
}

else := union({{stranger, _loner(stranger)}, _nobody(statement, attached), _services(statement, document)}) if {
	stranger := standins.stranger(document, attached.account)
}

# Nobody in particular: whoever does not sign, which not every service takes.
_nobody(statement, attached) := {"anonymous"} if {
	not split(attached.arn, ":")[2] in {"iam", "kms", "secretsmanager"}
	_for_everyone(statement)
}

else := set()

_for_everyone(statement) if statement.principal.names == "everyone"

_for_everyone(statement) if not statement.principal.covers

_for_everyone(statement) if ["AWS", "*"] in statement.principal.names

_services(statement, document) := {service |
	some condition in array.concat(statement.conditions, [condition |
		some one in _denying(document)
		some condition in one.conditions
		condition.context_key != "aws:principalisawsservice" # it is there to leave services out, not to let them in
	])
	some service in _services_behind(condition)
}

# A stranger whose account is in no organization.
_loner(stranger) := replace(stranger, "/Stranger/", "/Loner/")

# Where a policy asks for a service, a stranger is somebody for whom that service acts.
_services_behind(condition) := {"cloudtrail.amazonaws.com"} if {
	condition.context_key in (_of_sources | {"aws:principalisawsservice"})
}

_services_behind(condition) := standins.instances(condition) if {
	condition.context_key in {"aws:principalservicename", "aws:principalservicenameslist"}
}

# What a stranger's request can carry of the keys that the policy looks at and a stranger cannot choose freely.
_choices(caller, document, looked_at, effort) := object.union(others, own) if {
	in_conditions := standins.keys(looked_at)
	in_resources := {key |
		some statement in document.statements
		some template in statement.resource.templates
		some key in variables.named(template)
	}
	others := {key: ["something-else"] | some key in (in_resources - in_conditions)}
	own := {key: values | some key in (in_conditions | in_resources); values := _values(caller, key, looked_at, effort)}
}

# Where it depends on the caller, which resource it is; undefined for one whom AWS does not know that well.
_filled_in(pattern, statement, context) := pattern if statement.resource.templates == []

else := filled.strict if filled := variables.fill_in(pattern, false) with input as {"request": {"context": context}}

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

# What whoever has been told it can say: it takes more than to be a stranger.
_values(_, key, _, "plain") := _unaware[key]

# Whom an endpoint hides has no address.
_values(_, "aws:sourceip", looked_at, effort) := array.concat([null], [address | some address in _addresses(looked_at, effort)])

_values(caller, key, _, _) := [null] if {
	_is_of_the_caller(key)
	not startswith(caller, "arn:")
	not _of_nobody[caller][key]
}

_values(caller, key, _, _) := [value] if value := _of_nobody[caller][key]

_values(caller, "aws:principalaccount", _, _) := [split(caller, ":")[4]] if startswith(caller, "arn:")

_values(caller, "kms:calleraccount", _, _) := [split(caller, ":")[4]] if startswith(caller, "arn:")

_values(caller, "aws:principalorgid", _, _) := ["o-stranger00"] if contains(caller, "/Stranger/")

_values(caller, "aws:principalorgpaths", _, _) := ["o-stranger00/r-0000/ou-0000-00000000/"] if contains(caller, "/Stranger/")

_values(caller, key, _, _) := [null] if {
	key in {"aws:principalorgid", "aws:principalorgpaths"}
	contains(caller, "/Loner/")
}

# The id is AWS's to give, the session's name the stranger's to choose.
_values(caller, "aws:userid", looked_at, _) := array.concat(["AIDASTRANGER000000000"], [id |
	some id in ({"AROASTRANGER000000000:session"} | _completed(looked_at, "aws:userid", "AROASTRANGER000000000:"))
	regex.match(`^AROASTRANGER000000000:[\w+=,.@-]+$`, id)
]) if {
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

# A stranger chooses the names in an account of its own. Of a session, it is the role's ARN.
_values(caller, "aws:principalarn", looked_at, _) := [arn |
	account := split(caller, ":")[4]
	role := concat("", ["arn:", _partition(looked_at), ":iam::", account, ":role/"])
	others := {_in_account(text, account) | some condition in looked_at; some text in _texts(condition, "aws:principalarn")}
	some arn in (({concat("", [role, split(caller, "/")[1]])} | _completed(looked_at, "aws:principalarn", role)) | others)
	regex.match(sprintf(`^arn:[^:]*:(?:iam::%[1]s:(?:root$|role/|user/)|sts::%[1]s:federated-user/)[\w+=,.@/-]*$`, [account]), arn)
] if {
	startswith(caller, "arn:")
}

_values(caller, "aws:federatedprovider", looked_at, _) := array.concat([null], [provider |
	some condition in looked_at
	some text in _texts(condition, "aws:federatedprovider")
	provider := _of_account(text, split(caller, ":")[4])
]) if {
	startswith(caller, "arn:")
}

# Without a signature, only a function's URL lets somebody in, one of that type.
_values("anonymous", "lambda:functionurlauthtype", _, _) := ["NONE"]

_values(_, "aws:sourcevpce", _, _) := [null, "vpce-00000000000000000"]

_values(_, "aws:sourcevpc", _, _) := [null, "vpc-00000000000000000"]

_values(_, "aws:sourcevpcarn", looked_at, _) := array.concat([null], [arn |
	some condition in looked_at
	some text in _texts(condition, "aws:sourcevpcarn")
	arn := _in_account(text, "000000000000")
])

_values(_, "aws:vpceaccount", _, _) := [null, "000000000000"]

_values(_, "aws:vpceorgid", _, _) := [null, "o-stranger00"]

_values(_, "aws:vpceorgpaths", _, _) := [null, "o-stranger00/r-0000/ou-0000-00000000/"]

_values(caller, key, _, _) := [null] if {
	key in _of_sources
	not endswith(caller, ".amazonaws.com")
}

# Of a topic's caller it is the account, be it a service's or not.
# https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html#source-account-versus-source-owner
_values(caller, "aws:sourceowner", _, _) := [split(caller, ":")[4]] if startswith(caller, "arn:")

_values("anonymous", "aws:sourceowner", _, _) := [null]

# A service acts for anybody's resources, and says whose.
_values(caller, "aws:sourceorgid", _, _) := [null, "o-stranger00"] if endswith(caller, ".amazonaws.com")

_values(caller, "aws:sourceorgpaths", _, _) := [null, "o-stranger00/r-0000/ou-0000-00000000/"] if endswith(caller, ".amazonaws.com")

_values(caller, key, looked_at, _) := array.concat(["000000000000"], [id |
	some pattern in _asked_for(looked_at, key)
	some id in _ids_like(pattern)
]) if {
	endswith(caller, ".amazonaws.com")
	key in {"aws:sourceaccount", "aws:sourceowner"}
}

_values(caller, key, looked_at, _) := array.concat(["arn:aws:s3:::stranger"], [arn |
	some arn in ({arn | some pattern in _asked_for(looked_at, key); some arn in _strangers_like(caller, pattern)} | {arn |
		some service in _services_named(looked_at)
		some arn in _completed(looked_at, key, concat("", ["arn:aws:", service, ":us-east-1:000000000000:"]))
		regex.match(`^arn:aws:[^:]*:us-east-1:000000000000:[^:]*$`, arn)
	})
]) if {
	endswith(caller, ".amazonaws.com")
	regex.match(_sources, key)
}

# Any will do where none is named.
_services_named(looked_at) := {"sns"} | {service |
	some condition in looked_at
	some text in _texts(condition, "aws:sourcearn")
	service := split(text, ":")[2]
	service != ""
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
_strangers_like(caller, pattern) := {arn |
	some id in ({"000000000000"} | {id |
		[account] := array.slice(split(pattern, ":"), 4, 5)
		some id in _ids_like(account)
	})
	arn := standins.instance(_in_account(pattern, id))
} | {arn | arn := _anybodys(caller, pattern)}

# A bucket's name does not tell S3 whose it is, and anybody may get it one day; nor does an ARN without an account and with a wildcard.
_anybodys(caller, pattern) := standins.instance(pattern) if {
	contains(pattern, ":s3:::")
	endswith(caller, "s3.amazonaws.com")
}

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

_of_account(text, account) := arn if arn := _in_account(text, account)

else := text

_texts(condition, key) := {text | condition.context_key == key; some text in standins.instances(condition)}

# Texts that begin in a certain way, as all that is a stranger's own does, and that the patterns match.
_completed(looked_at, key, begin) := {concat("", [substring(begin, 0, n), standins.instance(behind)]) |
	some condition in looked_at
	condition.context_key == key
	some pattern in _list(condition.wanted)
	is_string(pattern)
	star := indexof(pattern, "*")
	star > -1
	before := substring(pattern, 0, star)
	behind := substring(pattern, star + 1, -1)
	startswith(begin, before)
	some n in numbers.range(count(before), count(begin))
}

# The partition is that of the ARNs that are asked for.
_partition(looked_at) := max({partition |
	some condition in looked_at
	some pattern in _list(condition.wanted)
	[_, partition] := regex.find_all_string_submatch_n(`^arn:(aws[a-z-]*):`, pattern, 1)[0]
} | {"aws"})

# What is said of those who neither know nor care.
_unaware := {
	"aws:referer": [null, "https://stranger.example/"],
	"aws:useragent": ["stranger/1.0"],
	"sts:externalid": [null, "stranger"],
	# A service that has such a token, as Alexa, sends that of the one for whom it acts; people would have to know it.
	"lambda:eventsourcetoken": [null, "stranger"],
}

# What AWS says of the caller that only an account's own principals have.
_is_of_the_caller(key) if key in _of_the_caller

_is_of_the_caller(key) if startswith(key, "aws:principaltag/")

_of_the_caller := {
	"aws:federatedprovider", "aws:multifactorauthage", "aws:multifactorauthpresent", "aws:principalaccount", "aws:principalarn",
	"aws:principalorgid", "aws:principalorgpaths", "aws:sourceidentity", "aws:tokenissuetime", "aws:userid", "aws:username",
	"kms:calleraccount",
}

# Of those who do not sign, AWS says that it does not know them.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalaccount
_of_nobody := {"anonymous": {"aws:principalaccount": "anonymous", "aws:principaltype": "Anonymous", "aws:userid": "anonymous"}}

# What AWS only says of requests that a service makes for somebody else.
_of_sources := {"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths"}

# Addresses that somebody can have: crafted, any that is public, and plain, one of a range that is a good part of all addresses.
_addresses(looked_at, effort) := {address |
	asked := [condition.networks | some condition in looked_at; condition.context_key == "aws:sourceip"; condition.networks]
	narrow := {network | some networks in asked; some network in net.cidr_merge(networks); to_number(split(network, "/")[1]) > 7}
	some address in standins.addresses(array.concat(asked, [narrow, _private_networks]))
	not _within_one(address, _private_networks)
	not _listed(address, narrow, effort)
} | {text | effort == "crafted"; some condition in looked_at; some text in _texts(condition, "aws:sourceip")}

_listed(address, narrow, "plain") if _within_one(address, narrow)

_within_one(address, networks) if {
	some network in networks
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
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3",
	"::/8", "fc00::/7", "fe80::/10", "ff00::/8",
}
