package components

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"cross-account-s3/policy"
)

// inVPC is the network of the examples.
func inVPC() VPC {
	return VPC{
		SubnetIDs: []string{"subnet-22222222", "subnet-11111111"}, SecurityGroupIDs: []string{"sg-11111111"},
		S3Endpoint: true, ID: "vpc-11111111", RouteTableIDs: []string{"rtb-22222222", "rtb-11111111"},
	}
}

const functionARN = "arn:aws:lambda:us-east-1:123456789012:function:CrossAccountS3Access"

var computePlace = Place{Partition: "aws", Region: "us-east-1", AccountID: "123456789012"}

func TestVPCSettings(t *testing.T) {
	const (
		subnets, groups = `["subnet-0123456789abcdef0","subnet-01234567"]`, `["sg-0123456789abcdef0"]`
		vpc, tables     = "vpc-0123456789abcdef0", `["rtb-0123456789abcdef0"]`
	)
	many := func(id string, count int) string {
		return `["` + strings.Join(slices.Collect(func(yield func(string) bool) {
			for i := range count {
				yield(id + strings.Repeat("0", 6) + string(rune('a'+i/10)) + string(rune('0'+i%10)))
			}
		}), `","`) + `"]`
	}
	for name, c := range map[string]struct {
		changes map[string]string
		want    string // in the error; empty where there is none
	}{
		"a VPC":                        {map[string]string{"subnetIds": subnets, "securityGroupIds": groups}, ""},
		"a VPC with an endpoint":       {map[string]string{"subnetIds": subnets, "securityGroupIds": groups, "s3Endpoint": "true", "vpcId": vpc, "routeTableIds": tables}, ""},
		"as many as Lambda takes":      {map[string]string{"subnetIds": many("subnet-", 16), "securityGroupIds": many("sg-", 5)}, ""},
		"more subnets":                 {map[string]string{"subnetIds": many("subnet-", 17), "securityGroupIds": groups}, "no more than 16"},
		"more security groups":         {map[string]string{"subnetIds": subnets, "securityGroupIds": many("sg-", 6)}, "no more than 5"},
		"subnets alone":                {map[string]string{"subnetIds": subnets}, `securityGroupIds is "[]", and has to be at least one`},
		"security groups alone":        {map[string]string{"securityGroupIds": groups}, `subnetIds is "[]", and has to be at least one`},
		"a subnet that is a VPC":       {map[string]string{"subnetIds": `["` + vpc + `"]`, "securityGroupIds": groups}, `subnetIds[0] is "vpc-`},
		"a subnet of nine digits":      {map[string]string{"subnetIds": `["subnet-012345678"]`, "securityGroupIds": groups}, `subnetIds[0] is "subnet-`},
		"a security group by its name": {map[string]string{"subnetIds": subnets, "securityGroupIds": `["default"]`}, `securityGroupIds[0] is "default"`},
		"an endpoint without a VPC":    {map[string]string{"s3Endpoint": "true", "vpcId": vpc, "routeTableIds": tables}, "false without subnetIds"},
		"an endpoint nowhere":          {map[string]string{"subnetIds": subnets, "securityGroupIds": groups, "s3Endpoint": "true", "routeTableIds": tables}, `vpcId is "", and`},
		"an endpoint of no table":      {map[string]string{"subnetIds": subnets, "securityGroupIds": groups, "s3Endpoint": "true", "vpcId": vpc}, `routeTableIds is "[]", and`},
		"a place for no endpoint":      {map[string]string{"subnetIds": subnets, "securityGroupIds": groups, "vpcId": vpc}, "true with vpcId and routeTableIds"},
		"tables for no endpoint":       {map[string]string{"routeTableIds": tables}, "true with vpcId and routeTableIds"},
		"a VPC that is a subnet":       {map[string]string{"subnetIds": subnets, "securityGroupIds": groups, "s3Endpoint": "true", "vpcId": "subnet-01234567", "routeTableIds": tables}, "the id of a VPC"},
		"a table that is an endpoint":  {map[string]string{"subnetIds": subnets, "securityGroupIds": groups, "s3Endpoint": "true", "vpcId": vpc, "routeTableIds": `["vpce-01234567"]`}, `routeTableIds[0] is "vpce-`},
	} {
		t.Run(name, func(t *testing.T) {
			changes := map[string]string{}
			for key, value := range c.changes {
				changes["cross-account-s3:"+key] = value
			}
			_, err := settingsOf(t, "account-a", changes)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, expected %q", err, c.want)
			}
		})
	}
}

// Lambda manages the network interfaces as the role, and the function's code, which runs as the same role, does not.
func TestInterfacesDocument(t *testing.T) {
	document, err := inVPC().interfacesDocument(computePlace, functionARN)
	if err != nil {
		t.Fatal(err)
	}
	engine, err := policy.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const ec2 = "arn:aws:ec2:us-east-1:123456789012:"
	byLambda, byItself := map[string]any{}, map[string]any{"lambda:SourceFunctionArn": functionARN}
	for name, c := range map[string]struct {
		action, resource string
		given            map[string]any
		want             policy.Decision
	}{
		"an interface":                     {"ec2:CreateNetworkInterface", ec2 + "network-interface/*", byLambda, policy.Allowed},
		"in its subnet":                    {"ec2:CreateNetworkInterface", ec2 + "subnet/subnet-11111111", byLambda, policy.Allowed},
		"in a subnet of another account":   {"ec2:CreateNetworkInterface", "arn:aws:ec2:us-east-1:111122223333:subnet/subnet-22222222", byLambda, policy.Allowed},
		"in another subnet":                {"ec2:CreateNetworkInterface", ec2 + "subnet/subnet-33333333", byLambda, policy.ImplicitlyDenied},
		"with its security group":          {"ec2:CreateNetworkInterface", ec2 + "security-group/sg-11111111", byLambda, policy.Allowed},
		"with another security group":      {"ec2:CreateNetworkInterface", ec2 + "security-group/sg-33333333", byLambda, policy.ImplicitlyDenied},
		"in another region":                {"ec2:CreateNetworkInterface", "arn:aws:ec2:eu-west-1:123456789012:network-interface/*", byLambda, policy.ImplicitlyDenied},
		"deleting, as Lambda asks for it":  {"ec2:DeleteNetworkInterface", ec2 + "*/*", byLambda, policy.Allowed},
		"deleting one":                     {"ec2:DeleteNetworkInterface", ec2 + "network-interface/eni-1", byLambda, policy.Allowed},
		"deleting one of another account":  {"ec2:DeleteNetworkInterface", "arn:aws:ec2:us-east-1:111122223333:network-interface/eni-1", byLambda, policy.ImplicitlyDenied},
		"an address":                       {"ec2:AssignPrivateIpAddresses", ec2 + "network-interface/eni-1", byLambda, policy.Allowed},
		"no address":                       {"ec2:UnassignPrivateIpAddresses", ec2 + "network-interface/eni-1", byLambda, policy.Allowed},
		"looking at interfaces":            {"ec2:DescribeNetworkInterfaces", "*", byLambda, policy.Allowed},
		"looking at subnets":               {"ec2:DescribeSubnets", "*", byLambda, policy.Allowed},
		"attaching to an instance":         {"ec2:AttachNetworkInterface", ec2 + "network-interface/eni-1", byLambda, policy.ImplicitlyDenied},
		"an interface, by the function":    {"ec2:CreateNetworkInterface", ec2 + "network-interface/*", byItself, policy.ExplicitlyDenied},
		"deleting, by the function":        {"ec2:DeleteNetworkInterface", ec2 + "network-interface/eni-1", byItself, policy.ExplicitlyDenied},
		"an address, by the function":      {"ec2:AssignPrivateIpAddresses", ec2 + "network-interface/eni-1", byItself, policy.ExplicitlyDenied},
		"no address, by the function":      {"ec2:UnassignPrivateIpAddresses", ec2 + "network-interface/eni-1", byItself, policy.ExplicitlyDenied},
		"looking, by the function":         {"ec2:DescribeNetworkInterfaces", "*", byItself, policy.ExplicitlyDenied},
		"looking around, by the function":  {"ec2:DescribeSubnets", "*", byItself, policy.ExplicitlyDenied},
		"what is not allowed in any place": {"s3:GetObject", "arn:aws:s3:::my-cross-account-bucket/k", byLambda, policy.ImplicitlyDenied},
	} {
		result, err := engine.Decide(t.Context(), policy.Case{
			Request: policy.Request{
				Principal: "arn:aws:sts::123456789012:assumed-role/CrossAccountS3Role/CrossAccountS3Access", Action: c.action,
				Resource: policy.Resource{ARN: c.resource, AccountID: "123456789012"}, Context: c.given,
			},
			IdentityPolicies: []policy.NamedPolicy{{Name: "own", Policy: json.RawMessage(document)}},
		})
		if err != nil || result.Decision != c.want {
			t.Errorf("%s: %s %v, want %s\n%s", name, result.Decision, err, c.want, document)
		}
	}
}

func TestEndpointDocument(t *testing.T) {
	const bounds = `"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalAccount": "123456789012"}}`
	for name, c := range map[string]struct {
		access Access
		want   string
	}{
		"the whole bucket": {accessTo("", Read, Write, Delete, List), `{"Version": "2012-10-17", "Statement": [
			{"Sid": "UseObjects", "Effect": "Allow", "Action": ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
			 "Resource": "arn:aws:s3:::my-cross-account-bucket/*", ` + bounds + `},
			{"Sid": "ListObjects", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::my-cross-account-bucket", ` + bounds + `}]}`},
		// EC2 refuses a wildcard in a condition that has fewer than six characters beside it, as data/* would.
		"a folder": {accessTo("data/", Read, List), `{"Version": "2012-10-17", "Statement": [
			{"Sid": "UseObjects", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::my-cross-account-bucket/data/*", ` + bounds + `},
			{"Sid": "ListObjects", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::my-cross-account-bucket", ` + bounds + `}]}`},
		// The key is asked for by S3, and not through the endpoint.
		"a key": {encrypted(Read), `{"Version": "2012-10-17", "Statement":
			[{"Sid": "UseObjects", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::my-cross-account-bucket/*", ` + bounds + `}]}`},
	} {
		document, err := c.access.endpointDocument("123456789012")
		if err != nil {
			t.Fatal(err)
		}
		got, want := statements(t, document), statements(t, c.want)
		expectEqual(t, name, got, want)
	}
}

// statements are those of a document, also where it has one alone.
func statements(t *testing.T, document string) []any {
	t.Helper()
	read, _ := parse(t, document).(map[string]any)
	if several, isList := read["Statement"].([]any); isList {
		return several
	}
	return []any{read["Statement"]}
}

// In a VPC the function is made after what it needs there: the policy without which Lambda refuses it, and its way to S3.
func TestFunctionInAVPC(t *testing.T) {
	t.Chdir(t.TempDir())
	m := &monitor{build: buildOf("arm64", ""), previews: true}
	access := accessTo("data/", Read)
	if err := m.run("account-a", nil, func(ctx *pulumi.Context) error {
		role, err := NewExecutionRole(ctx, "role", &ExecutionRoleArgs{
			Name: "CrossAccountS3Role", Access: access, VPC: inVPC(), FunctionARN: functionARN, Place: computePlace,
		})
		if err != nil {
			return err
		}
		endpoint, err := NewS3Endpoint(ctx, "s3", &S3EndpointArgs{VPC: inVPC(), Access: access, Place: computePlace})
		if err != nil {
			return err
		}
		_, err = NewFunction(ctx, "function", &FunctionArgs{
			Settings: FunctionSettings{Name: "CrossAccountS3Access", Architecture: "arm64"}, Access: access, Role: role, VPC: inVPC(), Endpoint: endpoint,
		})
		return err
	}); err != nil {
		t.Fatal(err)
	}

	interfaces, err := inVPC().interfacesDocument(computePlace, functionARN)
	if err != nil {
		t.Fatal(err)
	}
	expectEqual(t, "policy", m.named(t, "aws:iam/rolePolicy:RolePolicy", "role-network-interfaces").inputs, map[string]any{
		"name": "network-interfaces", "role": "CrossAccountS3Role", "policy": interfaces,
	})

	through, err := access.endpointDocument("123456789012")
	if err != nil {
		t.Fatal(err)
	}
	endpoint := m.one(t, "aws:ec2/vpcEndpoint:VpcEndpoint")
	expectEqual(t, "parent of the endpoint", endpoint.parent, "cross-account-s3:index:S3Endpoint::s3")
	expectEqual(t, "endpoint", endpoint.inputs, map[string]any{
		"vpcId": "vpc-11111111", "serviceName": "com.amazonaws.us-east-1.s3", "vpcEndpointType": "Gateway",
		"routeTableIds": []any{"rtb-11111111", "rtb-22222222"}, "policy": through,
	})

	function := m.one(t, "aws:lambda/function:Function")
	expectEqual(t, "vpcConfig", function.inputs["vpcConfig"], map[string]any{
		"subnetIds": []any{"subnet-11111111", "subnet-22222222"}, "securityGroupIds": []any{"sg-11111111"},
	})
	for _, needed := range []string{"aws:iam/rolePolicy:RolePolicy::role-network-interfaces", endpoint.id()} {
		if !slices.Contains(function.dependencies, needed) {
			t.Errorf("the function does not wait for %s: %q", needed, function.dependencies)
		}
	}
	// Another version would be another instance of the provider, with a configuration of its own.
	for _, r := range m.resources {
		if strings.HasPrefix(r.token, "aws:") && r.version != awsVersion {
			t.Errorf("%s asks for the version %q of pulumi-aws, and the endpoint for %q", r.id(), r.version, awsVersion)
		}
	}
}
