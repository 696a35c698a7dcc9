package components

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"cross-account-s3/policy"
)

const (
	parameterARN = "arn:aws:ssm:us-east-1:123456789012:parameter/cross-account-s3/CrossAccountS3Access/role"
	secretARN    = "arn:aws:secretsmanager:us-east-1:123456789012:secret:cross-account-s3/CrossAccountS3Access/role-a1B2c3"
	deployARN    = "arn:aws:iam::987654321098:role/Deploy"
)

func TestSharingRefused(t *testing.T) {
	const project = "cross-account-s3:"
	for _, c := range []struct {
		name, stack string
		changes     map[string]string
		want        []string
	}{
		{"a source that there is not", "account-a", map[string]string{"share": `["stackReference","email"]`}, []string{project + "share[1]", `"email"`, "parameterStore"}},
		{"a source twice", "account-a", map[string]string{"share": `["parameterStore","parameterStore"]`}, []string{project + "share[1]", "only once"}},
		{"no source", "account-a", map[string]string{"share": "[]"}, []string{project + "share", "at least one"}},
		{"sources that are no list", "account-a", map[string]string{"share": "parameterStore"}, []string{project + "share", "a list"}},
		{"another source to read", "account-b", map[string]string{"roleArnFrom": "output"}, []string{project + "roleArnFrom", "stackReference or parameterStore or secretsManager"}},
		{"a secret for nobody", "account-a", map[string]string{"share": `["secretsManager"]`}, []string{project + "secretReaders", "987654321098", "who may read it"}},
		{"a secret for a role of another account", "account-a", map[string]string{"share": `["secretsManager"]`, "secretReaders": `["arn:aws:iam::111122223333:role/Deploy"]`}, []string{project + "secretReaders[0]", "a role of account 987654321098"}},
		{"a secret for everybody", "account-a", map[string]string{"share": `["secretsManager"]`, "secretReaders": `["*"]`}, []string{project + "secretReaders[0]", "without wildcards"}},
		{"no secret to read", "account-b", map[string]string{"roleArnFrom": "secretsManager"}, []string{project + "roleSecretArn", "the output roleSecretArn", parameterless(secretARN)}},
		{"a secret of another account", "account-b", map[string]string{"roleArnFrom": "secretsManager", "roleSecretArn": strings.Replace(secretARN, "123456789012", "111122223333", 1)}, []string{project + "roleSecretArn", "computeAccountId"}},
		{"a secret of another partition", "account-b", map[string]string{"roleArnFrom": "secretsManager", "roleSecretArn": strings.Replace(secretARN, "arn:aws:", "arn:aws-cn:", 1)}, []string{project + "roleSecretArn", "aws:region"}},
		{"a secret of another region", "account-b", map[string]string{"roleArnFrom": "secretsManager", "roleSecretArn": strings.Replace(secretARN, "us-east-1", "eu-west-1", 1)}, []string{project + "roleSecretArn", "aws:region"}},
		{"a secret of another function", "account-b", map[string]string{"roleArnFrom": "secretsManager", "roleSecretArn": strings.Replace(secretARN, "S3Access", "S3Other", 1)}, []string{project + "roleSecretArn", "functionName"}},
		{"a secret by its name", "account-b", map[string]string{"roleArnFrom": "secretsManager", "roleSecretArn": parameterless(secretARN)}, []string{project + "roleSecretArn", "six letters"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			changes := map[string]string{}
			for key, value := range c.changes {
				changes[project+key] = value
			}
			settings, err := settingsOf(t, c.stack, changes)
			if err == nil {
				t.Fatalf("accepted as %s", show(settings))
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in %q", want, err)
				}
			}
		})
	}
}

// parameterless is the ARN of a secret without what Secrets Manager puts behind its name.
func parameterless(arn string) string { return arn[:len(arn)-len("-a1B2c3")] }

// What is of no use to a side is not asked of it.
func TestSharingOfTheOtherSide(t *testing.T) {
	for stack, changes := range map[string]map[string]string{
		"account-a": {"cross-account-s3:roleArnFrom": "secretsManager"},
		"account-b": {"cross-account-s3:share": `["secretsManager"]`},
	} {
		if _, err := settingsOf(t, stack, changes); err != nil {
			t.Errorf("%s: %v", stack, err)
		}
	}
}

// Wherever it is read, the role is the same and is checked in the same way.
func TestReadComputeRoleFromParameterAndSecret(t *testing.T) {
	deployed := map[string]any{
		"roleArn": roleARN, "roleUniqueId": "AROAEXAMPLE", "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:CrossAccountS3Access",
	}
	with := func(key string, value any) string {
		changed := maps.Clone(deployed)
		changed[key] = value
		return show(changed)
	}
	sources := []struct {
		source, arn, permission string
		settings                map[string]string
	}{
		{"parameterStore", parameterARN, "ssm:GetParameter", map[string]string{"cross-account-s3:roleArnFrom": "parameterStore"}},
		{"secretsManager", secretARN, "secretsmanager:GetSecretValue", map[string]string{
			"cross-account-s3:roleArnFrom": "secretsManager", "cross-account-s3:roleSecretArn": secretARN,
		}},
	}
	for _, c := range []struct {
		name, text string
		missing    bool
		want       []string
	}{
		{"deployed", show(deployed), false, nil},
		{"with more than is needed", with("roleName", "R"), false, nil},
		{"missing", "", true, []string{"cannot be read", "NotFound", "pulumi up --stack account-a"}},
		{"closed", "", false, []string{"cannot be read", "AccessDenied: nobody may read", "pulumi up --stack account-a"}},
		{"not JSON", roleARN, false, []string{"as JSON", "pulumi up --stack account-a"}},
		{"a list", `["` + roleARN + `"]`, false, []string{"as JSON"}},
		{"null", "null", false, []string{"has no roleArn"}},
		{"without the unique id", with("roleUniqueId", nil), false, []string{"has no roleUniqueId", "pulumi up --stack account-a"}},
		{"a number for the ARN", with("roleArn", 1), false, []string{"roleArn with the value"}},
		{"a role of another account", with("roleArn", "arn:aws:iam::111122223333:role/CrossAccountS3Role"), false, []string{"111122223333", roleARN, "computeAccountId", "pulumi up --stack account-a"}},
		{"a role of another partition", with("roleArn", "arn:aws-cn:iam::123456789012:role/CrossAccountS3Role"), false, []string{"aws-cn", "aws:region"}},
		{"another role", with("roleArn", roleARN+"2"), false, []string{roleARN + "2", "roleName"}},
		{"the id of a user", with("roleUniqueId", "AIDAEXAMPLE"), false, []string{"begins with AROA"}},
		{"another region", with("functionArn", "arn:aws:lambda:eu-west-1:123456789012:function:F"), false, []string{"eu-west-1", "same region"}},
	} {
		for _, s := range sources {
			t.Run(s.source+", "+c.name, func(t *testing.T) {
				m := &monitor{previews: true}
				values := map[string]string{s.arn: c.text}
				if c.missing {
					values = nil
				}
				if s.source == "parameterStore" {
					m.parameters = values
				} else {
					m.secrets = values
				}
				var got ComputeRole
				var err error
				if failure := m.run("account-b", configuration(t, "account-b", s.settings), func(ctx *pulumi.Context) error {
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
					expectEqual(t, "role", got, ComputeRole{ARN: roleARN, UniqueID: "AROAEXAMPLE"})
					return
				}
				if err == nil {
					t.Fatalf("no error, but %v", got)
				}
				want := slices.Concat(c.want, []string{s.arn, s.source})
				if strings.HasPrefix(c.want[0], "cannot be read") {
					want = append(want, s.permission)
				}
				for _, want := range want {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%q is not in %q", want, err)
					}
				}
			})
		}
	}
}

func TestRoleParameter(t *testing.T) {
	m := &monitor{}
	if err := m.run("account-a", nil, func(ctx *pulumi.Context) error {
		_, err := NewRoleParameter(ctx, "role", &RoleParameterArgs{
			Name: "/cross-account-s3/F/role", Shared: pulumi.String(`{"roleArn":"x"}`), ReaderAccountID: "987654321098", Outside: true,
		})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	parameter := m.one(t, "aws:ssm/parameter:Parameter")
	delete(parameter.inputs, "description")
	expectEqual(t, "parameter", parameter.inputs, map[string]any{
		"name": "/cross-account-s3/F/role", "type": "String", "tier": "Advanced", "insecureValue": `{"roleArn":"x"}`,
	})
	expectEqual(t, "share", m.one(t, "aws:ram/resourceShare:ResourceShare").inputs, map[string]any{
		"name": "cross-account-s3-F-role-share", "allowExternalPrincipals": true,
	})
	expectEqual(t, "what is shared", m.one(t, "aws:ram/resourceAssociation:ResourceAssociation").inputs, map[string]any{
		"resourceArn": "arn-of-role", "resourceShareArn": "arn-of-role",
	})
	expectEqual(t, "with whom", m.one(t, "aws:ram/principalAssociation:PrincipalAssociation").inputs, map[string]any{
		"principal": "987654321098", "resourceShareArn": "arn-of-role",
	})
}

func roleSecret(readers ...string) *RoleSecretArgs {
	return &RoleSecretArgs{
		Name: "cross-account-s3/CrossAccountS3Access/role", Shared: pulumi.String(`{"roleArn":"x"}`),
		Place: Place{Partition: "aws", Region: "us-east-1", AccountID: "123456789012"}, Readers: readers,
	}
}

func TestRoleSecret(t *testing.T) {
	args := roleSecret("arn:aws:iam::987654321098:role/Preview", deployARN)
	keyDocument, err := args.keyDocument()
	if err != nil {
		t.Fatal(err)
	}
	for _, previews := range []bool{true, false} {
		m := &monitor{previews: previews}
		if err := m.run("account-a", nil, func(ctx *pulumi.Context) error {
			_, err := NewRoleSecret(ctx, "role", args)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		key := m.one(t, "aws:kms/key:Key")
		expectEqual(t, "rotation", key.inputs["enableKeyRotation"], true)
		expectEqual(t, "key policy, known at preview", key.inputs["policy"], keyDocument)
		policy := m.one(t, "aws:secretsmanager/secretPolicy:SecretPolicy")
		expectDocument(t, "secret policy, known at preview", policy.inputs["policy"], `{"Version":"2012-10-17","Statement":[{
			"Sid":"ReadFromOtherAccount","Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"*",
			"Principal":{"AWS":["arn:aws:iam::987654321098:role/Deploy","arn:aws:iam::987654321098:role/Preview"]}}]}`)
		expectEqual(t, "public policies", policy.inputs["blockPublicPolicy"], true)
		secret := m.one(t, "aws:secretsmanager/secret:Secret")
		expectEqual(t, "name", secret.inputs["name"], args.Name)
		expectEqual(t, "what a destroy leaves of the name", secret.inputs["recoveryWindowInDays"], 0.0)
		if !previews {
			expectEqual(t, "the secret's key", secret.inputs["kmsKeyId"], "arn-of-role")
		}
		expectEqual(t, "whose version", m.one(t, "aws:secretsmanager/secretVersion:SecretVersion").dependencies,
			[]string{"aws:secretsmanager/secret:Secret::role"})
	}
}

// What the key's policy comes to, which Secrets Manager asks for in the reader's name.
func TestRoleSecretKeyDecisions(t *testing.T) {
	const reader = "arn:aws:sts::987654321098:assumed-role/Deploy/s"
	engine, err := policy.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	document, err := roleSecret(deployARN).keyDocument()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		principal, action string
		change            map[string]any
		want              policy.Decision
	}{
		"reading":                       {reader, "kms:Decrypt", nil, policy.Allowed},
		"another role of the account":   {"arn:aws:sts::987654321098:assumed-role/Other/s", "kms:Decrypt", nil, policy.ImplicitlyDenied},
		"a role of the same name":       {"arn:aws:sts::111122223333:assumed-role/Deploy/s", "kms:Decrypt", nil, policy.ImplicitlyDenied},
		"not through Secrets Manager":   {reader, "kms:Decrypt", map[string]any{"kms:ViaService": nil}, policy.ImplicitlyDenied},
		"through S3":                    {reader, "kms:Decrypt", map[string]any{"kms:ViaService": "s3.us-east-1.amazonaws.com"}, policy.ImplicitlyDenied},
		"another secret":                {reader, "kms:Decrypt", map[string]any{"kms:EncryptionContext:SecretARN": secretARN + "x"}, policy.ImplicitlyDenied},
		"for no secret":                 {reader, "kms:Decrypt", map[string]any{"kms:EncryptionContext:SecretARN": nil}, policy.ImplicitlyDenied},
		"writing":                       {reader, "kms:GenerateDataKey", nil, policy.ImplicitlyDenied},
		"changing the policy":           {reader, "kms:PutKeyPolicy", nil, policy.ImplicitlyDenied},
		"the administrator of the key":  {"arn:aws:sts::123456789012:assumed-role/Deploy/s", "kms:PutKeyPolicy", nil, policy.Allowed},
		"the administrator of the data": {"arn:aws:sts::987654321098:assumed-role/Admin/s", "kms:PutKeyPolicy", nil, policy.ImplicitlyDenied},
	} {
		resource := policy.Resource{ARN: "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-8444-555555555555", AccountID: "123456789012"}
		given := policy.ImpliedContext(c.principal, resource)
		given["kms:ViaService"] = "secretsmanager.us-east-1.amazonaws.com"
		given["kms:EncryptionContext:SecretARN"] = secretARN
		for key, value := range c.change {
			if given[key] = value; value == nil {
				delete(given, key)
			}
		}
		result, err := engine.Decide(t.Context(), policy.Case{
			Request:          policy.Request{Principal: c.principal, Action: c.action, Resource: resource, Context: given},
			IdentityPolicies: []policy.NamedPolicy{{Name: "all", Policy: json.RawMessage(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)}},
			ResourcePolicy:   json.RawMessage(document),
		})
		if err != nil || result.Decision != c.want {
			t.Errorf("%s: %s %v, want %s\n%s", name, result.Decision, err, c.want, document)
		}
	}
}
