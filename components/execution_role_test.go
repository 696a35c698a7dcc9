package components

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func TestExecutionRole(t *testing.T) {
	args := &ExecutionRoleArgs{
		Name:        "CrossAccountS3Role",
		Access:      accessTo("data/", Read, Write, Delete, List),
		LogGroupARN: "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/CrossAccountS3Access",
		Traces:      true,
	}
	const component = "cross-account-s3:index:ExecutionRole::role"
	for _, previews := range []bool{true, false} {
		m := &monitor{previews: previews}
		if err := m.run("account-a", nil, func(ctx *pulumi.Context) error {
			_, err := NewExecutionRole(ctx, "role", args)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		expectEqual(t, "resources", m.ids(), []string{
			"aws:iam/role:Role::role",
			"aws:iam/rolePolicy:RolePolicy::role-bucket-access",
			"aws:iam/rolePolicy:RolePolicy::role-telemetry",
			component,
		})

		role := m.one(t, "aws:iam/role:Role")
		expectEqual(t, "parent of the role", role.parent, component)
		trust, err := trustDocument()
		if err != nil {
			t.Fatal(err)
		}
		expectEqual(t, "role", role.inputs, map[string]any{
			"name":             "CrossAccountS3Role",
			"description":      "Lets a Lambda function use the bucket my-cross-account-bucket of another account",
			"assumeRolePolicy": trust,
		})

		bucketAccess, err := args.Access.identityDocument()
		if err != nil {
			t.Fatal(err)
		}
		telemetry, err := telemetryDocument(args.LogGroupARN, true)
		if err != nil {
			t.Fatal(err)
		}
		for name, document := range map[string]string{"bucket-access": bucketAccess, "telemetry": telemetry} {
			inline := m.named(t, "aws:iam/rolePolicy:RolePolicy", "role-"+name)
			expectEqual(t, "parent of "+name, inline.parent, component)
			expectEqual(t, name, inline.inputs, map[string]any{"name": name, "role": "CrossAccountS3Role", "policy": document})
			expectEqual(t, "dependencies of "+name, inline.dependencies, []string{"aws:iam/role:Role::role"})
		}
	}
}

func TestExecutionRoleOutputs(t *testing.T) {
	m := &monitor{}
	outputs := make(chan []any, 1)
	if err := m.run("account-a", nil, func(ctx *pulumi.Context) error {
		role, err := NewExecutionRole(ctx, "role", &ExecutionRoleArgs{Name: "R", Access: accessTo("", Read)})
		if err != nil {
			return err
		}
		pulumi.All(role.ARN, role.UniqueID).ApplyT(func(values []any) int {
			outputs <- values
			return 0
		})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	expectEqual(t, "ARN and unique id", <-outputs, []any{"arn-of-role", "AROAEXAMPLE"})
}
