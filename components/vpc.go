package components

import (
	"fmt"
	"regexp"

	"github.com/micahhausler/aws-iam-policy/policy"
)

// VPC is the network that the function is connected to; without subnets it is in none.
type VPC struct {
	// SubnetIDs and SecurityGroupIDs are where its network interfaces are, and what these let through; both or neither.
	SubnetIDs        []string
	SecurityGroupIDs []string
	// S3Endpoint is whether there is to be a gateway endpoint for S3: in the VPC with this ID, for the subnets of these route tables.
	S3Endpoint    bool
	ID            string
	RouteTableIDs []string
}

// The forms of ids in EC2. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html
var (
	subnetForm        = regexp.MustCompile(`^subnet-([0-9a-f]{8}|[0-9a-f]{17})$`)
	securityGroupForm = regexp.MustCompile(`^sg-([0-9a-f]{8}|[0-9a-f]{17})$`)
	vpcForm           = regexp.MustCompile(`^vpc-([0-9a-f]{8}|[0-9a-f]{17})$`)
	routeTableForm    = regexp.MustCompile(`^rtb-([0-9a-f]{8}|[0-9a-f]{17})$`)
)

// How many of them a function takes. https://docs.aws.amazon.com/lambda/latest/api/API_VpcConfig.html
const (
	mostSubnets        = 16
	mostSecurityGroups = 5
)

// vpc reads the network of the function.
func (r *reader) vpc() VPC {
	v := VPC{
		SubnetIDs:        r.list("subnetIds", subnetForm, "the id of a subnet, as in subnet-0123456789abcdef0"),
		SecurityGroupIDs: r.list("securityGroupIds", securityGroupForm, "the id of a security group, as in sg-0123456789abcdef0"),
		S3Endpoint:       r.boolean("s3Endpoint"),
		RouteTableIDs:    r.list("routeTableIds", routeTableForm, "the id of a route table, as in rtb-0123456789abcdef0"),
	}
	if r.text("vpcId") != "" {
		v.ID = r.matching("vpcId", vpcForm, "the id of a VPC, as in vpc-0123456789abcdef0")
	}
	switch subnets, groups := len(v.SubnetIDs), len(v.SecurityGroupIDs); {
	case subnets > mostSubnets:
		r.refuse("subnetIds", r.text("subnetIds"), fmt.Sprintf("no more than %d subnets, which is what Lambda takes", mostSubnets))
	case groups > mostSecurityGroups:
		r.refuse("securityGroupIds", r.text("securityGroupIds"),
			fmt.Sprintf("no more than %d security groups, which is what Lambda takes", mostSecurityGroups))
	case subnets > 0 && groups == 0:
		r.refuse("securityGroupIds", r.text("securityGroupIds"), "at least one security group, with subnetIds")
	case subnets == 0 && groups > 0:
		r.refuse("subnetIds", r.text("subnetIds"), "at least one subnet, with securityGroupIds")
	case v.S3Endpoint && subnets == 0:
		r.refuse("s3Endpoint", "true", "false without subnetIds: the function would not use the endpoint")
	}
	switch {
	case v.S3Endpoint && r.text("vpcId") == "":
		r.refuse("vpcId", "", "the VPC of the subnets, with s3Endpoint")
	case v.S3Endpoint && len(v.RouteTableIDs) == 0:
		r.refuse("routeTableIds", r.text("routeTableIds"), "the route tables of the subnets, with s3Endpoint")
	case !v.S3Endpoint && (v.ID != "" || len(v.RouteTableIDs) > 0):
		r.refuse("s3Endpoint", "false", "true with vpcId and routeTableIds, which say where the endpoint is")
	}
	return v
}

// connects says whether the function is in a VPC.
func (v VPC) connects() bool { return len(v.SubnetIDs) > 0 }

// interfacesDocument lets Lambda manage the network interfaces of the function, which it does as the function's role. The function's own
// code runs as that role too, and is denied the same: its requests say which function they come from, and Lambda's do not.
//
// Subnets and security groups are named without their account, as they can be shared by another one; their ids are no one else's. For the
// deletion Lambda wants all resources of the account and does not take network-interface/*, though the action has no other kind.
//
// Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
func (v VPC) interfacesDocument(place Place, functionARN string) (string, error) {
	shared := Place{Partition: place.Partition, Region: place.Region, AccountID: "*"}
	created := []string{place.arn("ec2", "network-interface/*")}
	for _, id := range v.SubnetIDs {
		created = append(created, shared.arn("ec2", "subnet/"+id))
	}
	for _, id := range v.SecurityGroupIDs {
		created = append(created, shared.arn("ec2", "security-group/"+id))
	}
	return render([]policy.Statement{
		{
			Sid:      "CreateInterfaces",
			Effect:   policy.EffectAllow,
			Action:   values("ec2:CreateNetworkInterface"),
			Resource: values(created...),
		},
		{
			Sid:      "ManageInterfaces",
			Effect:   policy.EffectAllow,
			Action:   values("ec2:AssignPrivateIpAddresses", "ec2:DeleteNetworkInterface", "ec2:UnassignPrivateIpAddresses"),
			Resource: values(place.arn("ec2", "*")),
		},
		{
			Sid:      "DescribeNetwork", // EC2 has no resources for these.
			Effect:   policy.EffectAllow,
			Action:   values("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"),
			Resource: values("*"),
		},
		{
			Sid:    "DenyTheFunctionItself",
			Effect: policy.EffectDeny,
			Action: values("ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
				"ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses"),
			Resource:  values("*"),
			Condition: condition("ArnEquals", "lambda:SourceFunctionArn", functionARN),
		},
	})
}

// endpointDocument lets the access through an endpoint of S3, by principals of an account, and nothing else. A gateway endpoint takes
// no principals but everybody, whom conditions bound. The folder that may be listed is left to the other policies: an endpoint's
// takes a wildcard in a condition only next to six other characters, which a folder need not have.
//
// Source: https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
func (a Access) endpointDocument(accountID string) (string, error) {
	statements := a.grants(policy.NewGlobalPrincipal())
	for i := range statements {
		statements[i].Condition = condition("StringEquals", "aws:PrincipalAccount", accountID)
	}
	return render(statements)
}
