# METADATA
# title: Escalation
# description: |
#   What the policies of a role allow together that lets it act as another role: mostly, to hand a role over to a service that then runs
#   what one likes. No statement need look bad by itself.
# related_resources:
#   - description: Granting a user permissions to pass a role to an AWS service
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
#   - description: IAM and AWS STS condition context keys, iam:PassedToService
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
package iam.escalation

import data.iam.conditions
import data.iam.resources
import data.iam.standins
import data.pulumi.attachments
import data.pulumi.fingerprints
import data.pulumi.roles

# METADATA
# title: Escalations
# description: |
#   Each combination of actions by which a role of the stacks can act as another, as {"role", "severity", "actions", "through",
#   "witness"}: critical where that can be any role, high where it can be certain ones. Of a service, one way is told. What only a
#   statement about every service allows is told by that statement; of what comes to it from others, one combination is told.
found := [{
	"role": {"stack": role.stack, "urn": role.urn, "policy": {"Statement": []}, "beside": [taken.actions, role.said]},
	"severity": {true: "critical", false: "high"}[_other(role) in reached],
	"actions": taken.actions,
	"through": taken.through,
	"witness": {
		"principal": sprintf("arn:%s:sts::%s:assumed-role/%s/session", [split(role.arn, ":")[1], role.account, role.name]),
		"action": taken.actions[0],
		"resource": [arn | some arn in array.concat([_other(role)], sort(reached)); arn in reached][0],
		"context": _context(taken.actions[0], taken.service),
	},
} |
	some role in _roles
	some taken in _told(role)
	reached := _reached(role, role.layers, taken.actions[0], taken.service)
]

# The roles that may be allowed one of the actions in question, with their policies as they were read. There are two layers, both of which
# must allow a request: the role's own statements, and those of its boundary where that is known.
_roles := [object.union(role, {
	"said": {fingerprints.policy(one.policy) | some one in array.concat(own, limits)},
	"layers": array.concat([statements], [_statements(limits) | count(limits) > 0]),
	"named": array.concat(
		[[statement | some statement in statements; not _allows_every_service(statement)]],
		[_statements(limits) | count(limits) > 0],
	),
	"unbounded": count([statement | some statement in statements; _allows_every_service(statement)]) > 0,
	"asked": {action | some action in _actions; some statement in statements; statement.effect == "Allow"; _is_about(statement, action)},
}) |
	some role in roles.found
	_worth_reading(role)
	own := _known(role.policies)
	limits := _known(role.limits)
	statements := _statements(own)
]

# All combinations have an action of IAM: most policies have nothing that could be one, and need not be read for that.
_worth_reading(role) if {
	some attachment in role.policies
	some statement in _list(json.unmarshal(attachment.text).Statement)
	statement.Effect == "Allow"
	_may_be_of_iam(statement)
}

_may_be_of_iam(statement) if statement.NotAction

_may_be_of_iam(statement) if {
	some action in _list(statement.Action)
	regex.match(`^(?i:[i*?])`, action)
}

_known(policies) := [one | some attachment in policies; one := attachments.reading(attachment); one.state == "known"]

_statements(policies) := [statement | some one in policies; some statement in one.document.statements]

_allows_every_service(statement) if {
	statement.effect == "Allow"
	_is_about(statement, "of-no-service:Any")
}

_told(role) := _taken_by(role) if not role.unbounded

else := array.slice([taken | some taken in _taken_by(role); _needs_others(role, taken)], 0, 1)

_taken_by(role) := [ways[0] |
	some combination in _combinations
	_may_be_taken(combination, role.asked)
	ways := [taken | some way in combination.ways; taken := _taken(role, combination.service, way)]
	count(ways) > 0
]

_may_be_taken(combination, asked) if {
	some way in combination.ways
	every step in way.steps {
		count({action | some action in step} & asked) > 0
	}
}

_needs_others(role, taken) if {
	some action in taken.actions
	count(_reached(role, role.named, action, taken.service)) > 0
}

# A way with the first action of each step that is allowed; undefined where a step has none.
_taken(role, service, way) := {"service": service, "through": way.through, "actions": actions} if {
	every step in way.steps {
		count(_allowed(role, step, service)) > 0
	}
	actions := [_allowed(role, step, service)[0] | some step in way.steps]
}

_allowed(role, step, service) := [action | some action in step; count(_reached(role, role.layers, action, service)) > 0]

# --- what an action is allowed on ---

# The resources, of those that stand for all, on which every layer allows the action.
_reached(role, layers, action, service) := {resource |
	about := [[statement | some statement in layer; _is_about(statement, action)] | some layer in layers]
	request := {"context": _context(action, service)}
	some resource in _resources(role, about, action)
	every layer in about {
		_lets(layer, object.union(request, {"resource": {"resource": resource}}))
	}
}

_is_about(statement, action) if regex.match(statement.action.pattern, action) == statement.action.covers

_context("iam:PassRole", service) := {"iam:PassedToService": service}

_context(action, _) := {} if action != "iam:PassRole"

_lets(layer, request) if {
	not _denied(layer, request)
	some statement in layer
	statement.effect == "Allow"
	_may_be_on(statement.resource, request)
	_may_hold(statement.conditions, request)
}

_denied(layer, request) if {
	some statement in layer
	statement.effect == "Deny"
	_certain(statement, request)
}

# A resource with variables may be any.
_may_be_on(element, _) if element.templates != []

_may_be_on(element, request) if resources.covers(element) > -1 with input as {"request": request}

# Conditions on anything but the service that a role is passed to can be met.
_may_hold(conditions_of_it, request) if {
	every condition in [one | some one in conditions_of_it; one.context_key == "iam:passedtoservice"] {
		conditions.test(condition) > -1 with input as {"request": request}
	}
}

_certain(statement, request) if {
	resources.covers(statement.resource) == 1 with input as {"request": request}
	every condition in statement.conditions {
		condition.context_key == "iam:passedtoservice"
		conditions.test(condition) == 1 with input as {"request": request}
	}
}

# A role that no policy speaks of, and what the statements name. A role that is passed is another than the role itself.
_resources(role, about, "iam:PassRole") := {arn |
	some arn in ({_other(role)} | {arn | some pattern in _patterns(about); some arn in _roles_like(pattern, role)})
	lower(arn) != lower(role.arn)
}

_resources(role, about, action) := {_other(role)} | {standins.instance(pattern) | some pattern in _patterns(about)} if {
	action != "iam:PassRole"
}

_patterns(about) := {pattern |
	some layer in about
	some statement in layer
	some element in ["Resource", "NotResource"]
	some pattern in _list(object.get(statement.source, element, []))
}

_other(role) := _role_arn(role, concat("", ["role/Other-", role.name]))

_role_arn(role, path) := concat("", ["arn:", split(role.arn, ":")[1], ":iam::", role.account, ":", path])

# Roles that a pattern may match: a wildcard can stand for "role/", or for the beginning of it. It is tried afterwards whether they do.
_roles_like(pattern, role) := {_role_arn(object.union(role, {"account": account}), standins.instance(path)) |
	[_, account_pattern, rest] := regex.find_all_string_submatch_n(`^arn:[^:]*:[^:]*:[^:]*:([^:]*):(.*)$`, pattern, 1)[0]
	account := {true: role.account, false: account_pattern}[regex.match(`[*?]`, account_pattern)]
	some path in {
		regex.replace(rest, `^[^/]*[*?][^/]*/`, "role/"),
		regex.replace(rest, `^[^/]*[*?]`, "role/x"),
	}
	startswith(path, "role/")
}

_list(value) := value if is_array(value)

else := [value]

# --- the combinations ---

# Each with the service that a role is passed to and its ways, the steps of which are one action of several each.
_combinations := array.concat(
	[{"service": service, "ways": [object.union(way, {"steps": array.concat([["iam:PassRole"]], way.steps)}) | some way in ways]} |
		some service, ways in _passing
	],
	[
		{"service": "", "ways": [{
			"through": "policies that it chooses",
			"steps": [["iam:AttachRolePolicy", "iam:PutRolePolicy"], ["sts:AssumeRole"]],
		}]},
		{"service": "", "ways": [{
			"through": "a trust policy that it writes",
			"steps": [["iam:UpdateAssumeRolePolicy"], ["sts:AssumeRole"]],
		}]},
	],
)

_actions contains action if {
	some combination in _combinations
	some way in combination.ways
	some step in way.steps
	some action in step
}

# What a service, once it has a role, does for whoever may do these steps too.
_passing := {
	"bedrock-agentcore.amazonaws.com": [{
		"through": "a code interpreter",
		"steps": [["bedrock-agentcore:CreateCodeInterpreter"], ["bedrock-agentcore:InvokeCodeInterpreter"]],
	}],
	"cloudformation.amazonaws.com": [
		{"through": "a stack", "steps": [["cloudformation:CreateStack", "cloudformation:UpdateStack"]]},
		{"through": "a change set", "steps": [["cloudformation:CreateChangeSet"], ["cloudformation:ExecuteChangeSet"]]},
	],
	"codebuild.amazonaws.com": [{
		"through": "a build",
		"steps": [["codebuild:CreateProject", "codebuild:UpdateProject"], ["codebuild:StartBuild", "codebuild:StartBuildBatch"]],
	}],
	"datapipeline.amazonaws.com": [{
		"through": "a pipeline",
		"steps": [["datapipeline:CreatePipeline"], ["datapipeline:PutPipelineDefinition"], ["datapipeline:ActivatePipeline"]],
	}],
	"ec2.amazonaws.com": [{
		"through": "an instance",
		"steps": [["ec2:RunInstances", "ec2:AssociateIamInstanceProfile", "ec2:ReplaceIamInstanceProfileAssociation"]],
	}],
	"ecs-tasks.amazonaws.com": [
		{"through": "a task", "steps": [
			["ecs:RegisterTaskDefinition"],
			["ecs:RunTask", "ecs:StartTask", "ecs:CreateService", "ecs:UpdateService"],
		]},
		{"through": "a batch job", "steps": [["batch:RegisterJobDefinition"], ["batch:SubmitJob"]]},
	],
	"events.amazonaws.com": [{"through": "the target of a rule", "steps": [["events:PutRule"], ["events:PutTargets"]]}],
	"glue.amazonaws.com": [
		{"through": "a development endpoint", "steps": [["glue:CreateDevEndpoint"]]},
		{"through": "a job", "steps": [["glue:CreateJob"], ["glue:StartJobRun", "glue:CreateTrigger"]]},
		{"through": "a job that runs anyway", "steps": [["glue:UpdateJob"]]},
		{"through": "an interactive session", "steps": [["glue:CreateSession"], ["glue:RunStatement"]]},
	],
	"lambda.amazonaws.com": [
		{"through": "a function", "steps": [
			["lambda:CreateFunction"],
			["lambda:InvokeFunction", "lambda:CreateEventSourceMapping", "lambda:AddPermission", "lambda:CreateFunctionUrlConfig"],
		]},
		{"through": "a function that runs anyway", "steps": [["lambda:UpdateFunctionConfiguration"]]},
	],
	"sagemaker.amazonaws.com": [
		{"through": "a notebook", "steps": [
			["sagemaker:CreateNotebookInstance"],
			["sagemaker:CreatePresignedNotebookInstanceUrl"],
		]},
		{"through": "a job", "steps": [["sagemaker:CreateTrainingJob", "sagemaker:CreateProcessingJob"]]},
	],
	"scheduler.amazonaws.com": [{"through": "the target of a schedule", "steps": [["scheduler:CreateSchedule"]]}],
	"ssm.amazonaws.com": [{"through": "an automation", "steps": [["ssm:StartAutomationExecution"]]}],
	"states.amazonaws.com": [{"through": "a state machine", "steps": [
		["states:CreateStateMachine", "states:UpdateStateMachine"],
		["states:StartExecution", "states:StartSyncExecution"],
	]}],
	"tasks.apprunner.amazonaws.com": [{"through": "a service of App Runner", "steps": [["apprunner:CreateService"]]}],
}
