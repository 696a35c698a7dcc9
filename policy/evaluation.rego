# METADATA
# title: Evaluation
# description: How AWS decides a request from all policies that apply to it. The input is a prepared case (see `iam.preparation`).
# related_resources:
#   - description: Policy evaluation logic
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
#   - description: Cross-account policy evaluation logic
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
package iam.evaluation

import data.iam.principals
import data.iam.request
import data.iam.statements
import data.iam.unknowns

# METADATA
# title: The decision
# description: Allowed, ExplicitlyDenied, ImplicitlyDenied or Undetermined.
decision := "Allowed" if lower(request.action) == "sts:getcalleridentity"
else := "Undetermined" if _unknown_request
else := "ExplicitlyDenied" if _denied == 1
else := "Undetermined" if _denied == 0
else := "Allowed" if _allowed == 1
else := "Undetermined" if _allowed == 0
else := "ImplicitlyDenied"

# METADATA
# title: The principal has policies of its own
# description: |
#   True or undefined. For AWS services, identity providers and anonymous callers the resource policy alone decides, and service
#   control policies do not bind them.
in_account if principals.account

# METADATA
# title: Principal and resource are in the same account
# description: True or undefined.
same_account if principals.account == input.request.resource.accountId

# METADATA
# title: The resource policy rules over the account's
# description: |
#   True or undefined. A KMS key and a role say in their own policy whether the policies of their account count at all.
resource_policy_rules if regex.match(`^(?i:kms:.*) arn:[^:]*:kms:[^:]*:[^:]*:key/`, _action_and_resource)

resource_policy_rules if regex.match(`^(?i:sts:.*) arn:[^:]*:iam:[^:]*:[^:]*:role/`, _action_and_resource)

_action_and_resource := concat(" ", [request.action, request.resource])

_unknown_request if {
	unknowns.unknown(concat("\n", [
		input.request.principal,
		input.request.action,
		input.request.resource.resource,
		input.request.resource.accountId,
	]))
}

# A Deny counts wherever it stands.
_denied := 1 if _some_deny(1)
else := 0 if _some_deny(0)
else := -1

_some_deny(truth) if ["Deny", truth] in (_identity | _session | _boundary)

_some_deny(truth) if {
	some level in _scp
	["Deny", truth] in level
}

_some_deny(truth) if {
	some ["Deny", named_truth, _] in (_resource | _rcp)
	named_truth == truth
}

_allowed := _granted if _scp == []
else := min({_granted} | {_allow(level) | some level in _scp})

_granted := _by_name({"everyone", "exact", "role", "account"}) if not in_account
else := min([_by_name({"everyone", "exact", "role", "account"}), _allow(_identity), _limit]) if not same_account
else := max([
	_by_name({"everyone", "exact"}),
	min([_by_name({"role"}), _limit]),
	min([_allow(_identity), _limit, _delegated]),
])

default _delegated := 1

_delegated := _by_name({"account"}) if resource_policy_rules

_limit := 1 if {
	input.boundary == []
	input.session == []
}
else := min([_limit_by("boundary", _boundary), _limit_by("session", _session)])

_limit_by(layer, effects) := 1 if input[layer] == []
else := _allow(effects) if count(input[layer]) == 1
# AWS attaches one boundary at most; what several that disagree would do is nobody's to say.
else := _agreed({_allow(statements.effects([document])) | some document in input[layer]})

_agreed(truths) := max(truths) if count(truths) == 1
else := 0

_allow(effects) := 1 if ["Allow", 1] in effects
else := 0 if ["Allow", 0] in effects
else := -1

_by_name(names) := max({-1} | {truth | some ["Allow", truth, name] in _resource; name in names})

# The policies of the principal's account, where it is in one.
default _identity := set()

_identity := statements.effects(input.identity) if in_account

default _boundary := set()

_boundary := statements.effects(input.boundary) if in_account

default _session := set()

_session := statements.effects(input.session) if in_account

default _scp := []

_scp := [statements.effects(level.documents) | some level in input.scp] if in_account

_resource := statements.named_effects(input.resource)

# Resource control policies can only deny: that they allow is implied.
_rcp := statements.named_effects([document | some level in input.rcp; some document in level.documents])
