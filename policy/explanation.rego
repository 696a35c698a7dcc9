# METADATA
# title: Explanation
# description: |
#   What each layer of policies says of the request, with the statement that decides it, or the one that came closest to it. The input is
#   a prepared case (see `iam.preparation`). It looks at every part of every statement, which a decision need not.
# related_resources:
#   - description: Policy evaluation logic
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
package iam.explanation

import data.iam.conditions
import data.iam.evaluation
import data.iam.principals
import data.iam.request
import data.iam.resources

# METADATA
# title: The reasons
# description: |
#   One object for each layer, and for each level of the control policies, in the order in which AWS asks them: `layer`, `level`,
#   `outcome`, and where there is one, the `statement` that decided or the `nearest` that did not match.
reasons := [reason |
	some layer in ["scp", "rcp", "boundary", "session", "identity", "resource"]
	some reason in _reasons(layer)
]

_reasons(layer) := _of_levels(layer) if layer in {"scp", "rcp"}

else := [object.union({"layer": layer}, _said_by(layer))]

_of_levels(layer) := [{"layer": layer, "outcome": outcome}] if outcome := _unasked(layer)

else := [object.union(named, _said(layer, level.documents)) |
	some level in input[layer]
	named := {key: text | some key, text in {"layer": layer, "level": level.level}; text != ""}
]

_said_by(layer) := {"outcome": outcome} if outcome := _unasked(layer)

else := _said(layer, input[layer])

# The layers that have nothing to say of this principal, or nothing at all.
_unasked(layer) := "inapplicable" if {
	not layer in {"rcp", "resource"}
	not evaluation.in_account
}

else := "absent" if input[layer] == []

_said(layer, documents) := _outcome(layer, [judged |
	some document in documents
	some statement in document.statements
	judged := _judged(document.name, statement)
])

_outcome(layer, judged) := {"outcome": "denied", "statement": first.ref} if first := _first(judged, "Deny", 1)

else := _open(first) if first := _first(judged, "Deny", 0)

else := {"outcome": "allowed"} if layer == "rcp"

else := {"outcome": "delegated", "statement": first.ref} if {
	layer == "resource"
	evaluation.same_account
	every name in _names_of_allowing(judged) {
		name == "account"
	}
	first := _first(judged, "Allow", 1)
}

else := {"outcome": "allowed", "statement": first.ref} if first := _first(judged, "Allow", 1)

else := _open(first) if first := _first(judged, "Allow", 0)

else := object.union({"outcome": "silent"}, {"nearest": miss | miss := _miss(_nearest(judged), -1)})

_open(judged) := {"outcome": "undetermined", "statement": judged.ref, "nearest": _miss(judged, 0)}

_first(judged, effect, truth) := [one | some one in judged; one.effect == effect; one.truth == truth][0]

_names_of_allowing(judged) := {name |
	some one in judged
	one.effect == "Allow"
	one.truth == 1
	some [name, 1] in one.names
}

_judged(name, statement) := {
	"ref": object.union({"policy": name, "index": statement.index}, {"sid": sid | sid := statement.source.Sid}),
	"effect": statement.effect,
	"source": statement.source,
	"names": names,
	"conditions": statement.conditions,
	"parts": parts,
	"truth": min([truth | some truth in parts]),
} if {
	names := principals.names(statement)
	parts := {
		"action": _action(statement.action),
		"principal": max({-1} | {truth | some [_, truth] in names}),
		"resource": resources.covers(statement.resource),
		"condition": conditions.holds(statement.conditions),
	}
}

_action(action) := action.truth if regex.match(action.pattern, request.action) == action.covers

else := -1

# The statement with the fewest parts that do not match; between such, the one that only fails in a later part.
_nearest(judged) := sort([[_misses(one), _rank(one), i, one] |
	some i, one in judged
	one.effect == "Allow"
])[0][3]

_misses(judged) := count([part | some part, truth in judged.parts; truth == -1])

_rank(judged) := {"condition": 0, "principal": 1, "resource": 2, "action": 3}[_failing(judged, -1)]

_failing(judged, truth) := [part | some part in ["action", "principal", "resource", "condition"]; judged.parts[part] == truth][0]

# What stands in the statement beside what the request has.
_miss(judged, truth) := object.union(judged.ref, _difference(judged, _failing(judged, truth), truth))

_difference(judged, part, truth) := {"part": "document", "wanted": judged.source, "got": null} if is_string(judged.source)

else := {"part": part, "element": element, "wanted": wanted, "got": _got[part]} if {
	part != "condition"
	some element, wanted in judged.source
	element in {_element[part], concat("", ["Not", _element[part]])}
}

else := [{
	"part": part,
	"element": "Condition",
	"operator": condition.operator,
	"key": condition.key,
	"wanted": condition.wanted,
	"got": object.get(request.context, condition.context_key, null),
} |
	some condition in judged.conditions
	conditions.test(condition) == truth
][0]

_element := {"action": "Action", "principal": "Principal", "resource": "Resource"}

_got := {"action": request.action, "principal": input.request.principal, "resource": request.resource}
