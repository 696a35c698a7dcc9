package components

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func TestReadComputeRole(t *testing.T) {
	const (
		stack       = "organization/cross-account-s3/account-a"
		uniqueID    = "AROAEXAMPLE"
		functionARN = "arn:aws:lambda:us-east-1:123456789012:function:CrossAccountS3Access"
	)
	type outputs = resource.PropertyMap
	text := resource.NewProperty[string]
	deployed := outputs{"roleArn": text(roleARN), "roleUniqueId": text(uniqueID), "functionArn": text(functionARN)}
	with := func(key resource.PropertyKey, value resource.PropertyValue) outputs {
		changed := deployed.Copy()
		changed[key] = value
		return changed
	}
	without := func(key resource.PropertyKey) outputs {
		changed := deployed.Copy()
		delete(changed, key)
		return changed
	}

	for _, c := range []struct {
		name   string
		stacks map[string]outputs
		stack  string
		// want is in the error; none where it is empty.
		want []string
	}{
		{"deployed", map[string]outputs{stack: deployed}, stack, nil},
		{"deployed elsewhere", map[string]outputs{"acme/x/production": deployed}, "acme/x/production", nil},
		{"missing", nil, stack, []string{"there is no stack " + stack, "pulumi up --stack account-a"}},
		{"missing elsewhere", nil, "acme/x/production", []string{"there is no stack acme/x/production", "pulumi up --stack acme/x/production"}},
		{"never deployed", map[string]outputs{stack: {}}, stack, []string{stack, "has no roleArn", "pulumi up --stack account-a"}},
		{"without the ARN", map[string]outputs{stack: without("roleArn")}, stack, []string{stack, "has no roleArn", "pulumi up --stack account-a"}},
		{"without the unique id", map[string]outputs{stack: without("roleUniqueId")}, stack, []string{stack, "has no roleUniqueId", "pulumi up --stack account-a"}},
		{"without the function", map[string]outputs{stack: without("functionArn")}, stack, []string{stack, "has no functionArn", "pulumi up --stack account-a"}},
		{"an empty ARN", map[string]outputs{stack: with("roleArn", text(""))}, stack, []string{`roleArn with the value ""`, "pulumi up --stack account-a"}},
		{"an empty unique id", map[string]outputs{stack: with("roleUniqueId", text(""))}, stack, []string{`roleUniqueId with the value ""`, "pulumi up --stack account-a"}},
		{"a null ARN", map[string]outputs{stack: with("roleArn", resource.NewNullProperty())}, stack, []string{"has no roleArn", "pulumi up --stack account-a"}},
		{"an ARN that is a list", map[string]outputs{stack: with("roleArn", resource.NewProperty([]resource.PropertyValue{text(roleARN)}))}, stack, []string{"roleArn with the value", "pulumi up --stack account-a"}},
		{"a secret ARN", map[string]outputs{stack: with("roleArn", resource.MakeSecret(text(roleARN)))}, stack, []string{"exports roleArn as a secret"}},
		{"a role of another account", map[string]outputs{stack: with("roleArn", text("arn:aws:iam::111122223333:role/CrossAccountS3Role"))}, stack, []string{"111122223333", roleARN, "computeAccountId", "pulumi up --stack account-a"}},
		{"another role", map[string]outputs{stack: with("roleArn", text(roleARN+"2"))}, stack, []string{roleARN + "2", "roleName", "pulumi up --stack account-a"}},
		{"a role of another partition", map[string]outputs{stack: with("roleArn", text("arn:aws-cn:iam::123456789012:role/CrossAccountS3Role"))}, stack, []string{"aws-cn", "aws:region", "pulumi up --stack account-a"}},
		{"everyone", map[string]outputs{stack: with("roleArn", text("*"))}, stack, []string{"the role *", roleARN}},
		{"the id of a user", map[string]outputs{stack: with("roleUniqueId", text("AIDAEXAMPLE"))}, stack, []string{"AIDAEXAMPLE", "begins with AROA", "pulumi up --stack account-a"}},
		{"another region", map[string]outputs{stack: with("functionArn", text(strings.Replace(functionARN, "us-east-1", "eu-west-1", 1)))}, stack, []string{"eu-west-1", "aws:region puts the bucket in us-east-1", "same region"}},
		{"a function that is none", map[string]outputs{stack: with("functionArn", text("f"))}, stack, []string{"the function f", "aws:region"}},
	} {
		for _, previews := range []bool{true, false} {
			name := c.name + ", up"
			if previews {
				name = c.name + ", preview"
			}
			t.Run(name, func(t *testing.T) {
				m := &monitor{stacks: c.stacks, previews: previews}
				var got ComputeRole
				var err error
				if failure := m.run("account-b", configuration(t, "account-b", map[string]string{"cross-account-s3:computeStack": c.stack}), func(ctx *pulumi.Context) error {
					settings, wrong := ReadSettings(ctx)
					if wrong != nil {
						return wrong
					}
					got, err = ReadComputeRole(ctx, settings)
					return nil
				}); failure != nil {
					t.Fatal(failure)
				}
				if c.want == nil {
					if err != nil {
						t.Fatal(err)
					}
					expectEqual(t, "role", got, ComputeRole{ARN: roleARN, UniqueID: uniqueID})
					return
				}
				if err == nil {
					t.Fatalf("no error, but %v", got)
				}
				for _, want := range c.want {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%q is not in %q", want, err)
					}
				}
			})
		}
	}
}
