package iam.escalation_test

import data.iam.escalation

_role := "urn:pulumi:a::p::aws:iam/role:Role::R"

_limit := "urn:pulumi:a::p::aws:iam/policy:Policy::limit"

_document(statements) := json.marshal({"Version": "2012-10-17", "Statement": [object.union({"Effect": "Allow", "Resource": "*"}, statement) |
	some statement in statements
]})

_stack(role, others) := {
	"config": {"aws:allowedAccountIds": `["123456789012"]`},
	"steps": [{"op": "same", "newState": state} |
		some state in array.concat([object.union({"urn": _role, "type": "aws:iam/role:Role"}, role)], others)
	],
}

# A role R in the account 123456789012, of which each policy is an array of statements.
_with(policies) := _stack({"inputs": {"name": "R"}}, [{
	"urn": sprintf("urn:pulumi:a::p::aws:iam/rolePolicy:RolePolicy::%d", [i]),
	"type": "aws:iam/rolePolicy:RolePolicy",
	"inputs": {"role": "R", "policy": _document(statements)},
} |
	some i, statements in policies
])

_bounded(boundary) := _stack(
	{"inputs": {"name": "R", "inlinePolicies": [{"name": "p", "policy": _document([_pass, _create, _invoke])}]}, "propertyDependencies": {"permissionsBoundary": [_limit]}},
	[{"urn": _limit, "type": "aws:iam/policy:Policy", "inputs": {"policy": boundary}}],
)

# What is found, as "severity action action".
_told(given) := [concat(" ", array.concat([one.severity], one.actions)) | some one in found] if {
	found := escalation.found with input as given
}

_told_of(statements) := _told(_with([statements]))

_pass := {"Action": "iam:PassRole"}

_create := {"Action": "lambda:CreateFunction"}

_invoke := {"Action": "lambda:InvokeFunction"}

_function := "iam:PassRole lambda:CreateFunction lambda:InvokeFunction"

_any := [concat(" ", ["critical", _function])]

_certain := [concat(" ", ["high", _function])]

_to(operator, service) := object.union(_pass, {"Condition": {operator: {"iam:PassedToService": service}}})

test_it_takes_all_actions if {
	_told(_with([[_pass, _create, _invoke]])) == _any
	_told(_with([[_pass], [_create], [_invoke]])) == _any
	_told_of([{"Action": ["IAM:passrole", "LAMBDA:createfunction", "lambda:INVOKE?unction"]}]) == _any
	_told_of([_create, _invoke]) == []
	_told_of([_pass, _invoke]) == []
	_told_of([_pass, _create]) == []
	_told_of([{"Action": "s3:GetObject"}]) == []
	_told_of([object.union(_pass, {"Effect": "Deny"}), _create, _invoke]) == []
}

test_which_role_can_be_passed[name] if {
	some name, case in {
		"any": {"resource": "*", "want": _any},
		"any of the account": {"resource": "arn:aws:iam::123456789012:role/*", "want": _any},
		"any of any account": {"resource": "arn:aws:iam::*:role/*", "want": _any},
		"anything of the account": {"resource": "arn:aws:iam::123456789012:*", "want": _any},
		"another one": {"resource": "arn:aws:iam::123456789012:role/app/S", "want": _certain},
		"certain ones": {"resource": "arn:aws:iam::123456789012:role/app/*", "want": _certain},
		"a wildcard for the type": {"resource": "arn:aws:iam::123456789012:r*/app/S", "want": _certain},
		"a wildcard for the type and more": {"resource": "arn:aws:iam::123456789012:r*app", "want": _certain},
		"a role by its tag": {"resource": "arn:aws:iam::123456789012:role/${aws:PrincipalTag/team}", "want": _any},
		"itself": {"resource": "arn:aws:iam::123456789012:role/R", "want": []},
		"itself and what begins like it": {"resource": "arn:aws:iam::123456789012:role/R*", "want": _certain},
		"itself and another": {
			"resource": ["arn:aws:iam::123456789012:role/R", "arn:aws:iam::123456789012:role/S"],
			"want": _certain,
		},
		"what is no role": {"resource": "arn:aws:iam::123456789012:user/*", "want": []},
		"a bucket": {"resource": "arn:aws:s3:::b*", "want": []},
	}
	_told_of([object.union(_pass, {"Resource": case.resource}), _create, _invoke]) == case.want
}

test_all_roles_but_some if {
	all_but := {"Effect": "Allow", "Action": "iam:PassRole", "NotResource": "arn:aws:iam::123456789012:role/Admin"}
	_told(_stack(
		{"inputs": {
			"name": "R",
			"inlinePolicies": [{"name": "p", "policy": json.marshal({"Statement": [all_but]})}, {"name": "q", "policy": _document([_create, _invoke])}],
		}},
		[],
	)) == _any
}

test_to_which_service[name] if {
	some name, case in {
		"the service": {"pass": _to("StringEquals", "lambda.amazonaws.com"), "want": _any},
		"several": {"pass": _to("StringEquals", ["ec2.amazonaws.com", "lambda.amazonaws.com"]), "want": _any},
		"a pattern": {"pass": _to("StringLike", "*.amazonaws.com"), "want": _any},
		"where it is told": {"pass": _to("StringEqualsIfExists", "lambda.amazonaws.com"), "want": _any},
		"another": {"pass": _to("StringEquals", "ec2.amazonaws.com"), "want": []},
		"another, of a set": {"pass": _to("ForAnyValue:StringEquals", ["ec2.amazonaws.com"]), "want": []},
		"any but the service": {"pass": _to("StringNotEquals", "lambda.amazonaws.com"), "want": []},
		"a condition that can be met": {
			"pass": object.union(_pass, {"Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}}),
			"want": _any,
		},
	}
	_told_of([case.pass, _create, _invoke]) == case.want
}

test_the_condition_is_about_passing if {
	_told_of([{
		"Action": ["iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"],
		"Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
	}]) == []
}

test_what_is_denied[name] if {
	some name, case in {
		"passing": {"deny": _pass, "want": []},
		"all of IAM": {"deny": {"Action": "iam:*"}, "want": []},
		"all but something": {"deny": {"NotAction": "s3:*"}, "want": []},
		"passing to the service": {"deny": _to("StringEquals", "lambda.amazonaws.com"), "want": []},
		"passing to any other": {"deny": _to("StringNotEquals", "lambda.amazonaws.com"), "want": _any},
		"passing to all but another": {"deny": _to("StringNotEquals", "ec2.amazonaws.com"), "want": []},
		"one of the other actions": {"deny": _invoke, "want": []},
		"something else": {"deny": {"Action": "s3:*"}, "want": _any},
		"under a condition": {"deny": object.union(_pass, {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}}), "want": _any},
		"under a condition that holds of most": {
			"deny": object.union(_pass, {"Condition": {"StringNotEquals": {"aws:PrincipalTag/team": "deployment"}}}),
			"want": _any,
		},
		"another role": {"deny": object.union(_pass, {"Resource": "arn:aws:iam::123456789012:role/Admin"}), "want": _any},
		"roles by their tags": {"deny": object.union(_pass, {"Resource": "arn:aws:iam::123456789012:role/${aws:PrincipalTag/team}"}), "want": _any},
	}
	deny := object.union(case.deny, {"Effect": "Deny"})
	_told(_with([[_pass, _create, _invoke], [deny]])) == case.want
}

test_all_are_denied_but_one if {
	deny := {"Effect": "Deny", "Action": "iam:PassRole", "NotResource": "arn:aws:iam::123456789012:role/Admin"}
	_told(_stack(
		{"inputs": {"name": "R", "inlinePolicies": [
			{"name": "p", "policy": _document([_pass, _create, _invoke])},
			{"name": "q", "policy": json.marshal({"Statement": [deny]})},
		]}},
		[],
	)) == _certain
}

test_a_boundary[name] if {
	some name, case in {
		"that lets it": {"boundary": _document([{"Action": "*"}]), "want": _any},
		"that does not": {"boundary": _document([{"Action": "lambda:*"}]), "want": []},
		"that denies it": {"boundary": _document([{"Action": "*"}, {"Effect": "Deny", "Action": "iam:*"}]), "want": []},
		"that is not known": {"boundary": "04da6b54-80e4-46f7-96ec-b56ff0331ba9", "want": _any},
	}
	_told(_bounded(case.boundary)) == case.want
}

test_every_service if {
	_told_of([{"Action": "*"}]) == []
	_told_of([{"Action": "*:*"}, {"Action": "s3:GetObject"}]) == []
	_told(_stack(
		{"inputs": {"name": "R", "inlinePolicies": [
			{"name": "p", "policy": json.marshal({"Statement": {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}})},
			{"name": "q", "policy": _document([_pass])},
		]}},
		[],
	)) == ["critical iam:PassRole bedrock-agentcore:CreateCodeInterpreter bedrock-agentcore:InvokeCodeInterpreter"]
}

test_every_service_but_one if {
	all_but := {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}
	_told(_stack(
		{"inputs": {"name": "R", "inlinePolicies": [
			{"name": "p", "policy": json.marshal({"Statement": all_but})},
			{"name": "q", "policy": _document([_create, _invoke])},
		]}},
		[],
	)) == _any
}

test_one_way_of_a_service if {
	_told_of([_pass, {"Action": ["glue:*", "ec2:RunInstances"]}]) == [
		"critical iam:PassRole ec2:RunInstances",
		"critical iam:PassRole glue:CreateDevEndpoint",
	]
}

test_without_passing if {
	_told_of([{"Action": ["iam:AttachRolePolicy", "iam:UpdateAssumeRolePolicy"]}]) == []
	_told_of([{"Action": ["iam:AttachRolePolicy", "sts:AssumeRole"]}]) == ["critical iam:AttachRolePolicy sts:AssumeRole"]
	_told_of([{"Action": ["iam:UpdateAssumeRolePolicy", "sts:AssumeRole"], "Resource": "arn:aws:iam::123456789012:role/S"}]) == ["high iam:UpdateAssumeRolePolicy sts:AssumeRole"]
}

# Each combination, as it is known, and nothing more than it.
test_combinations[name] if {
	some name, actions in {
		"agent": ["bedrock-agentcore:CreateCodeInterpreter", "bedrock-agentcore:InvokeCodeInterpreter"],
		"app": ["apprunner:CreateService"],
		"automation": ["ssm:StartAutomationExecution"],
		"batch": ["batch:RegisterJobDefinition", "batch:SubmitJob"],
		"build": ["codebuild:CreateProject", "codebuild:StartBuild"],
		"change set": ["cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet"],
		"endpoint": ["glue:CreateDevEndpoint"],
		"function": ["lambda:CreateFunction", "lambda:CreateEventSourceMapping"],
		"function that is there": ["lambda:UpdateFunctionConfiguration"],
		"instance": ["ec2:RunInstances"],
		"instance that is there": ["ec2:ReplaceIamInstanceProfileAssociation"],
		"job": ["glue:CreateJob", "glue:StartJobRun"],
		"job that is there": ["glue:UpdateJob"],
		"notebook": ["sagemaker:CreateNotebookInstance", "sagemaker:CreatePresignedNotebookInstanceUrl"],
		"pipeline": ["datapipeline:CreatePipeline", "datapipeline:PutPipelineDefinition", "datapipeline:ActivatePipeline"],
		"rule": ["events:PutRule", "events:PutTargets"],
		"schedule": ["scheduler:CreateSchedule"],
		"session": ["glue:CreateSession", "glue:RunStatement"],
		"stack": ["cloudformation:UpdateStack"],
		"state machine": ["states:CreateStateMachine", "states:StartExecution"],
		"task": ["ecs:RegisterTaskDefinition", "ecs:RunTask"],
		"training": ["sagemaker:CreateProcessingJob"],
	}
	needed := array.concat(["iam:PassRole"], actions)
	_told_of([{"Action": needed}]) == [concat(" ", array.concat(["critical"], needed))]
	every action in needed {
		_told_of([{"Action": [one | some one in needed; one != action]}]) == []
	}
}

test_what_is_told if {
	[one] := escalation.found with input as _with([[object.union(_pass, {"Resource": "arn:aws:iam::123456789012:role/S"}), _create, _invoke]])
	one.role.urn == _role
	one.role.stack == "a"
	one.through == "a function"
	one.witness == {
		"principal": "arn:aws:sts::123456789012:assumed-role/R/session",
		"action": "iam:PassRole",
		"resource": "arn:aws:iam::123456789012:role/S",
		"context": {"iam:PassedToService": "lambda.amazonaws.com"},
	}
	[critical] := escalation.found with input as _with([[_pass, _create, _invoke]])
	critical.witness.resource == "arn:aws:iam::123456789012:role/Other-R"
	critical.role.beside != one.role.beside
}
