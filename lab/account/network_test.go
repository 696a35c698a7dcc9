package account

import (
	"strings"
	"testing"
	"time"

	"cross-account-s3/policy"
)

const managesInterfaces = `{"Version": "2012-10-17", "Statement": [
	{"Effect": "Allow", "Action": "ec2:CreateNetworkInterface", "Resource": ["arn:aws:ec2:us-east-1:123456789012:network-interface/*",
	 "arn:aws:ec2:us-east-1:*:subnet/subnet-1", "arn:aws:ec2:us-east-1:*:subnet/subnet-2", "arn:aws:ec2:us-east-1:*:security-group/sg-1"]},
	{"Effect": "Allow", "Action": ["ec2:AssignPrivateIpAddresses", "ec2:DeleteNetworkInterface", "ec2:UnassignPrivateIpAddresses"],
	 "Resource": "arn:aws:ec2:us-east-1:123456789012:*"},
	{"Effect": "Allow", "Action": ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"], "Resource": "*"},
	{"Effect": "Deny", "Action": "ec2:*", "Resource": "*", "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:f"}}}]}`

// newNetworks is a world with two VPCs and a role for functions in the first one.
func newNetworks(t *testing.T) (*World, Function) {
	t.Helper()
	w := newWorld(t)
	role := makeRole(t, w, "R")
	expectCode(t, "policy", w.PutRolePolicy(role.ARN, "interfaces", managesInterfaces), "")
	w.AddVPC(VPC{
		Account: compute, Region: "us-east-1", ID: "vpc-1", Subnets: map[string]string{"subnet-1": "rtb-1", "subnet-2": "rtb-2"},
		SecurityGroups: []string{"sg-1"},
	})
	w.AddVPC(VPC{
		Account: compute, Region: "us-east-1", ID: "vpc-2", Subnets: map[string]string{"subnet-3": "rtb-3"}, SecurityGroups: []string{"sg-3"},
	})
	w.AddVPC(VPC{Account: data, Region: "us-east-1", ID: "vpc-4", Subnets: map[string]string{"subnet-4": "rtb-4"}})
	return w, Function{
		Account: compute, Region: "us-east-1", Name: "f", Role: role.ARN, MemorySize: 128, Timeout: time.Second, Code: []byte("zip"),
		Subnets: []string{"subnet-1", "subnet-2"}, SecurityGroups: []string{"sg-1"},
	}
}

func TestFunctionsInAVPC(t *testing.T) {
	const mayNot = "The provided execution role does not have permissions to call "
	for name, c := range map[string]struct {
		subnets, groups []string
		without         string // is not in the role's policy
		want            string // in the refusal
	}{
		"as it should be":              {[]string{"subnet-1", "subnet-2"}, []string{"sg-1"}, "", ""},
		"in no VPC":                    {nil, nil, "", ""},
		"subnets alone":                {[]string{"subnet-1"}, nil, "", "must coexist"},
		"security groups alone":        {nil, []string{"sg-1"}, "", "must coexist"},
		"a subnet that nobody has":     {[]string{"subnet-9"}, []string{"sg-1"}, "", "InvalidSubnetID.NotFound"},
		"a subnet of another account":  {[]string{"subnet-4"}, []string{"sg-1"}, "", "InvalidSubnetID.NotFound"},
		"a group that nobody has":      {[]string{"subnet-1"}, []string{"sg-9"}, "", "InvalidGroup.NotFound"},
		"a group of another VPC":       {[]string{"subnet-1"}, []string{"sg-3"}, "", "not all of one VPC"},
		"subnets of two VPCs":          {[]string{"subnet-1", "subnet-3"}, []string{"sg-1"}, "", "not all of one VPC"},
		"no permission for interfaces": {[]string{"subnet-1"}, []string{"sg-1"}, "network-interface/*", mayNot + "CreateNetworkInterface"},
		"no permission for a subnet":   {[]string{"subnet-1", "subnet-2"}, []string{"sg-1"}, "subnet/subnet-2", mayNot + "CreateNetworkInterface"},
		"no permission to look":        {[]string{"subnet-1"}, []string{"sg-1"}, "ec2:DescribeNetworkInterfaces", mayNot + "DescribeNetworkInterfaces"},
		"no permission to look around": {[]string{"subnet-1"}, []string{"sg-1"}, "ec2:DescribeSubnets", mayNot + "DescribeSubnets"},
		"no permission to delete":      {[]string{"subnet-1"}, []string{"sg-1"}, "ec2:DeleteNetworkInterface", mayNot + "DeleteNetworkInterface"},
		"no permission for an address": {[]string{"subnet-1"}, []string{"sg-1"}, "ec2:AssignPrivateIpAddresses", mayNot + "AssignPrivateIpAddresses"},
		"no permission for none":       {[]string{"subnet-1"}, []string{"sg-1"}, "ec2:UnassignPrivateIpAddresses", mayNot + "UnassignPrivateIpAddresses"},
	} {
		w, function := newNetworks(t)
		function.Subnets, function.SecurityGroups = c.subnets, c.groups
		if c.without != "" {
			expectCode(t, name, w.PutRolePolicy(function.Role, "interfaces", strings.ReplaceAll(managesInterfaces, c.without, "ec2:Other")), "")
		}
		_, err := w.CreateFunction(t.Context(), function)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	// Which Lambda does not take, as it asks about all resources.
	w, function := newNetworks(t)
	expectCode(t, "policy", w.PutRolePolicy(function.Role, "interfaces", strings.Replace(managesInterfaces,
		`"arn:aws:ec2:us-east-1:123456789012:*"`, `"arn:aws:ec2:us-east-1:123456789012:network-interface/*"`, 1)), "")
	if _, err := w.CreateFunction(t.Context(), function); err == nil || !strings.Contains(err.Error(), mayNot+"DeleteNetworkInterface") {
		t.Errorf("the deletion of interfaces alone: %v", err)
	}
}

// The code of a function is denied what Lambda does as the same role.
func TestFunctionsOwnRequests(t *testing.T) {
	w, function := newNetworks(t)
	own := must(w.RunFunction(function))(t)
	other := must(w.AssumeRole(function.Role, "awslambda"))(t)
	for _, c := range []struct {
		key  Key
		want policy.Decision
	}{{own, policy.ExplicitlyDenied}, {other, policy.Allowed}} {
		_, result, err := w.Authorize(t.Context(), &c.key, "ec2:DescribeSubnets", "*", nil)
		if err != nil || result.Decision != c.want {
			t.Errorf("%s of function %q: %s %v, want %s", c.key.Principal, c.key.Function, result.Decision, err, c.want)
		}
	}
}

func TestVPCEndpoints(t *testing.T) {
	const service = "com.amazonaws.us-east-1.s3"
	allows := func(principal, condition string) string {
		return `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": ` + principal + `, "Action": "s3:*", "Resource": "*"` + condition + `}]}`
	}
	prefix := func(operator, value string) string {
		return allows(`"*"`, `, "Condition": {"`+operator+`": {"s3:prefix": `+value+`}}`)
	}
	for name, c := range map[string]struct {
		endpoint VPCEndpoint
		want     string
	}{
		"of a subnet":                   {VPCEndpoint{VPC: "vpc-1", Service: service, RouteTables: []string{"rtb-1"}}, ""},
		"of no subnet":                  {VPCEndpoint{VPC: "vpc-1", Service: service}, ""},
		"of no VPC":                     {VPCEndpoint{VPC: "vpc-9", Service: service}, "InvalidVpcId.NotFound"},
		"of another account's VPC":      {VPCEndpoint{VPC: "vpc-4", Service: service}, "InvalidVpcId.NotFound"},
		"of no table":                   {VPCEndpoint{VPC: "vpc-1", Service: service, RouteTables: []string{"rtb-9"}}, "InvalidRouteTableId.NotFound"},
		"of another VPC's table":        {VPCEndpoint{VPC: "vpc-1", Service: service, RouteTables: []string{"rtb-3"}}, "InvalidRouteTableId.NotFound"},
		"of a table that has one":       {VPCEndpoint{VPC: "vpc-1", Service: service, RouteTables: []string{"rtb-2"}}, "RouteAlreadyExists"},
		"for another region":            {VPCEndpoint{VPC: "vpc-1", Service: "com.amazonaws.eu-west-1.s3"}, "InvalidServiceName"},
		"for something else":            {VPCEndpoint{VPC: "vpc-1", Service: "com.amazonaws.us-east-1.sns"}, "InvalidServiceName"},
		"with a policy":                 {VPCEndpoint{VPC: "vpc-1", Service: service, Policy: allows(`"*"`, "")}, ""},
		"with no policy language":       {VPCEndpoint{VPC: "vpc-1", Service: service, Policy: `{"Statement": "all"}`}, "InvalidPolicyDocument"},
		"for a role":                    {VPCEndpoint{VPC: "vpc-1", Service: service, Policy: allows(`{"AWS": "arn:aws:iam::123456789012:role/R"}`, "")}, "InvalidPolicyDocument"},
		"with six characters in front":  {VPCEndpoint{VPC: "vpc-1", Service: service, Policy: prefix("StringLike", `"folder*"`)}, ""},
		"with six characters behind":    {VPCEndpoint{VPC: "vpc-1", Service: service, Policy: prefix("StringLike", `"*folder"`)}, ""},
		"with fewer":                    {VPCEndpoint{VPC: "vpc-1", Service: service, Policy: prefix("StringLike", `["folder*", "data/*"]`)}, "InvalidPolicyDocument"},
		"with fewer between two":        {VPCEndpoint{VPC: "vpc-1", Service: service, Policy: prefix("ForAnyValue:StringLike", `"folder*x*"`)}, "InvalidPolicyDocument"},
		"with fewer, where no text is":  {VPCEndpoint{VPC: "vpc-1", Service: service, Policy: prefix("ArnLike", `"a:*"`)}, ""},
		"with an id that nobody has":    {VPCEndpoint{ID: "vpce-9", VPC: "vpc-1", Service: service}, "InvalidVpcEndpointId.NotFound"},
		"with a wildcard and no prefix": {VPCEndpoint{VPC: "vpc-1", Service: service, Policy: prefix("StringLike", `"*"`)}, "InvalidPolicyDocument"},
	} {
		w, _ := newNetworks(t)
		must(w.PutVPCEndpoint(VPCEndpoint{Account: compute, Region: "us-east-1", VPC: "vpc-1", Service: service, RouteTables: []string{"rtb-2"}}))(t)
		c.endpoint.Account, c.endpoint.Region = compute, "us-east-1"
		_, err := w.PutVPCEndpoint(c.endpoint)
		expectCode(t, name, err, c.want)
	}
}

// A function may run in each of its subnets, so that all of them have to lead to S3.
func TestWayToS3(t *testing.T) {
	w, function := newNetworks(t)
	leads := func(what string, want bool) {
		t.Helper()
		if endpoint, found := w.WayToS3(function); found != want {
			t.Errorf("%s: %v %+v, want %v", what, found, endpoint, want)
		}
	}
	leads("no endpoint", false)
	made := must(w.PutVPCEndpoint(VPCEndpoint{
		Account: compute, Region: "us-east-1", VPC: "vpc-1", Service: "com.amazonaws.us-east-1.s3", RouteTables: []string{"rtb-1"},
	}))(t)
	leads("one of two subnets", false)
	made.RouteTables = []string{"rtb-1", "rtb-2"}
	must(w.PutVPCEndpoint(made))(t)
	leads("both subnets", true)
	function.Subnets = []string{"subnet-3"}
	leads("a subnet of another VPC", false)
	function.Subnets = nil
	leads("no VPC", false)
	expectCode(t, "delete", w.DeleteVPCEndpoint(made.ID), "")
	expectCode(t, "delete again", w.DeleteVPCEndpoint(made.ID), "InvalidVpcEndpointId.NotFound")
	if left := w.network.arns(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
