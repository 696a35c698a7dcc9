# METADATA
# title: Stand-ins
# description: |
#   Requests that stand for all others. A policy tells requests apart only by what it names; of everything that it treats alike, one
#   will do.
package iam.standins

import data.iam.operators
import data.iam.variables

# METADATA
# title: Principals
# description: |
#   Whom a document of an account can tell apart: a stranger, nobody, a role, a user and the root of the account itself, an AWS
#   service, and everyone whom the prepared document names.
principals(document, account) := union({_anybody(document, account), _own(account), _all_named(document)})

_anybody(document, account) := {stranger(document, account), "anonymous", "cloudtrail.amazonaws.com"}

_all_named(document) := {principal |
	some statement in document.statements
	some [type, name] in statement.principal.names
	some principal in _named(type, name)
}

_own("") := set()

_own(account) := {
	concat("", ["arn:aws:sts::", account, ":assumed-role/Any/session"]),
	concat("", ["arn:aws:iam::", account, ":user/Anyone"]),
	concat("", ["arn:aws:iam::", account, ":root"]),
} if {
	account != ""
}

# METADATA
# title: Stranger
# description: A session of a role in an account that is neither the given one nor named in the document.
stranger(document, account) := concat("", ["arn:aws:sts::", id, ":assumed-role/Stranger/session"]) if {
	text := json.marshal([statement.source | some statement in document.statements])
	id := _unused(concat(" ", [text, account]))
}

_unused(text) := "111122223333" if not contains(text, "111122223333")

# There are more of these than a policy has room for.
else := [id |
	some n in numbers.range(0, 3000)
	id := sprintf("%012d", [n])
	not contains(text, id)
][0]

_named("AWS", name) := [concat("", ["arn:aws:sts::", name, ":assumed-role/Any/session"])] if regex.match(`^[0-9]{12}$`, name)

else := [concat("", [replace(owner, ":iam:", ":sts:"), ":assumed-role/", regex.replace(path, `^.*/`, ""), "/session"])] if {
	[owner, path] := split(name, ":role/")
}

else := [concat("", [replace(trim_suffix(name, ":root"), ":iam:", ":sts:"), ":assumed-role/Any/session"]), name] if endswith(name, ":root")

else := [name] if startswith(name, "arn:")

else := []

_named("Service", name) := [name]

_named(type, _) := [] if not type in {"AWS", "Service"}

# METADATA
# title: Contexts
# description: |
#   What a request can carry that conditions look at: every combination of the values by which the conditions can tell requests apart.
#   For some keys, all in lower case, the values to choose from are given, null for a request without the key. Undefined where there are
#   more combinations than can be tried.
contexts(conditions, choices) := {{key: value |
	some i, key in ordered
	value := candidates[i][floor(n / strides[i]) % count(candidates[i])]
	value != null
} |
	some n in numbers.range(0, combinations - 1)
} if {
	ordered := sort(keys(conditions) | object.keys(choices))
	candidates := [_candidates(key, conditions, choices) | some key in ordered]
	combinations := product([count(values) | some values in candidates])
	combinations <= 2048
	strides := [product([count(candidates[j]) | some j in numbers.range(0, i); j < i]) | some i, _ in ordered]
}

# METADATA
# title: Keys
# description: What prepared conditions look at, in lower case, also to compare another key with it, as ${aws:username}.
keys(conditions) := {condition.context_key | some condition in conditions; condition.context_key != ""} | {key |
	some condition in conditions
	some template in condition.templates
	some key in variables.named(template)
}

_candidates(key, conditions, choices) := [value | some value in {_shaped(key, conditions, choice) | some choice in choices[key]}] if {
	choices[key]
}

# Without a choice: none, what the conditions name, and what they do not.
else := [value |
	looked_at := [condition | some condition in conditions; condition.context_key == key]
	texts := {text | some condition in looked_at; some text in instances(condition)} | _of_addresses(looked_at)
	some value in ({null} | {_shaped(key, conditions, text) | some text in (texts | _others(looked_at))})
]

_of_addresses(looked_at) := addresses(networks) if {
	networks := [condition.networks | some condition in looked_at; condition.compares == "address"]
	networks != []
}

else := set()

# Of truth values, numbers, dates and addresses there are no others than the instances.
_others(looked_at) := set() if {
	some condition in looked_at
	condition.compares in {"address", "bool", "date", "number"}
}

else := {"something-else"}

# A key that is asked for with a set operator has several values.
_shaped(key, conditions, text) := [text] if {
	text != null
	some condition in conditions
	condition.context_key == key
	condition.set in {"ForAllValues", "ForAnyValue"}
}

else := text

# METADATA
# title: Instances
# description: Values with which a prepared condition can be met, or just not. For networks, see addresses.
instances(condition) := {text |
	not condition.compares in {"address", "presence"}
	some wanted in _list(condition.wanted)
	some text in _instances(condition.compares, _filled_in(condition, operators.text(wanted)))
}

# Of what is compared with another key, something else is a value like any other.
_filled_in(condition, text) := regex.replace(text, variables.pattern, "something-else") if text in condition.templates

else := text

_instances("bool", _) := {"true", "false"}

_instances("number", text) := {text, _shifted(text, 1), _shifted(text, -1)}

_instances("date", text) := {text} | {time.format(instant + (seconds * 1000000000)) |
	instant := operators.instant(text)
	some seconds in [-1, 1]
}

_instances(compares, text) := {instance(text)} if not compares in {"bool", "date", "number"}

# METADATA
# title: Addresses
# description: |
#   One of all addresses that some lists of networks treat alike. Between where one network begins, or has ended, and where the next one
#   does, there is no difference.
addresses(lists) := {min(alike) |
	some place in places
	alike := {address | some address, where in places; where == place}
} if {
	borders := sort({"198.51.100.7", "2.0.0.1", "2001:db8::7"} | {border |
		some networks in lists
		some network in networks
		some border in _borders(network)
	})
	within := [{borders[found[1]] | some found in net.cidr_contains_matches(networks, borders)} | some networks in lists]
	places := {address: {i | some i, inside in within; address in inside} | some address in borders}
}

# The first address of a network, and the first behind it. Of version 6, the former is enough.
_borders(network) := {first} | {_address(number) |
	not contains(first, ":")
	length := to_number(split(network, "/")[1])
	size := bits.lsh(1, 32 - length)
	number := (floor(_number(first) / size) + 1) * size
	number < bits.lsh(1, 32)
} if {
	[first, _] := split(network, "/")
}

_number(address) := sum([part |
	some i, text in split(address, ".")
	part := to_number(text) * _steps[i]
])

_address(number) := concat(".", [sprintf("%d", [floor(number / step) % 256]) | some step in _steps])

_steps := [16777216, 65536, 256, 1]

# METADATA
# title: Instance
# description: A text that a pattern matches.
instance(pattern) := replace(replace(pattern, "*", "x"), "?", "x")

_shifted(text, by) := sprintf("%v", [number + by]) if number := operators.number(text)

else := text

_list(value) := value if is_array(value)

else := [value]
