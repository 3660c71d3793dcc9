package ledger

func runChild(string) int { return 2 }
