# METADATA
# title: Evaluation
# description: |
#   How AWS decides a request from all policies that apply to it. Expects a case whose documents are well-formed: `iam.decision` makes
#   sure of it, and so does the engine in Go before it asks.
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
decision := "Allowed" if request.action == "sts:getcalleridentity"
else := "Undetermined" if _unknown_request
else := "ExplicitlyDenied" if _denied == 1
else := "Undetermined" if _denied == 0
else := "Allowed" if _allowed == 1
else := "Undetermined" if _allowed == 0
else := "ImplicitlyDenied"

# METADATA
# title: The organization's levels
# description: |
#   Of the service control policies or the resource control policies of the case, which come as levels or, flat, as a single one.
levels(control_policies) := [level | some level in control_policies] if control_policies[0].policies
else := [{"orgIdentifier": "", "policies": control_policies}] if count(control_policies) > 0
else := []

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
# title: The resource policy is asked first
# description: |
#   True or undefined. A KMS key and a role say in their own policy whether the policies of their account count at all.
resource_policy_rules if {
	request.service == "kms"
	startswith(request.resource.rest, "key/")
}

resource_policy_rules if {
	request.service == "sts"
	request.resource.iam_role
}

_unknown_request if {
	some text in [
		input.request.principal,
		input.request.action,
		input.request.resource.resource,
		input.request.resource.accountId,
	]
	unknowns.unknown(text)
}

# A Deny counts wherever it stands.
_denied := max({-1} | {truth | some ["Deny", truth] in _effects} | {truth | some ["Deny", _, truth] in _resource})

_effects := (_identity | _session) | union({effects | some effects in array.concat(_scps, _boundaries)})

_allowed := min({_granted} | {_allow(effects) | some effects in _scps})

_granted := _by_name({"everyone", "exact", "role", "account"}) if not in_account
else := min([_allow(_identity), _limit, _by_name({"everyone", "exact", "role", "account"})]) if not same_account
else := max([
	_by_name({"everyone", "exact"}),
	min([_by_name({"role"}), _limit]),
	min([_allow(_identity), _limit, _delegated]),
])

default _delegated := 1

_delegated := _by_name({"account"}) if resource_policy_rules

# AWS attaches one boundary at most; what several that disagree would do is nobody's to say.
_limit := min([_allow_session, _agreed({_allow(effects) | some effects in _boundaries} )])

_agreed(truths) := 1 if count(truths) == 0
else := max(truths) if count(truths) == 1
else := 0

_allow_session := _allow(_session) if input.sessionPolicy
else := 1

_allow(effects) := 1 if ["Allow", 1] in effects
else := 0 if ["Allow", 0] in effects
else := -1

_by_name(names) := max({-1} | {truth | some ["Allow", name, truth] in _resource; name in names})

default _scps := []

_scps := [_of(level.policies) | some level in levels(input.scps)] if in_account

default _boundaries := []

_boundaries := [statements.effects(boundary.policy) | some boundary in input.permissionBoundaries] if in_account

default _session := set()

_session := statements.effects(input.sessionPolicy) if in_account

default _identity := set()

_identity := _of(input.identityPolicies) if in_account

_of(policies) := {effect |
	some entry in policies
	some effect in statements.effects(entry.policy)
}

_resource := statements.named_effects(object.get(input, "resourcePolicy", {})) | _rcps

# Resource control policies can only deny: their Allow is implied.
_rcps := {effect |
	some level in levels(object.get(input, "rcps", []))
	some entry in level.policies
	some effect in statements.named_effects(entry.policy)
	effect[0] == "Deny"
}
