package lab

import "cross-account-s3/lab/account"

// makeNetworks makes the VPCs that account A has before anything is deployed: one with two subnets, each with a route table, and another
// with one. Their ids are made up, but always the same, so that settings can name them.
func (l *Lab) makeNetworks() {
	for _, vpc := range []account.VPC{
		{
			ID: "vpc-0123456789abcdef0", SecurityGroups: []string{"sg-0123456789abcdef0"},
			Subnets: map[string]string{
				"subnet-0123456789abcdef0": "rtb-0123456789abcdef0",
				"subnet-0123456789abcdef1": "rtb-0123456789abcdef1",
			},
		},
		{
			ID: "vpc-0fedcba9876543210", SecurityGroups: []string{"sg-0fedcba9876543210"},
			Subnets: map[string]string{"subnet-0fedcba9876543210": "rtb-0fedcba9876543210"},
		},
	} {
		vpc.Account, vpc.Region = l.Settings.ComputeAccount, l.Settings.Region
		l.world.AddVPC(vpc)
	}
}
