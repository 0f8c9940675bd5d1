-- Gives collections and how many documents they have.
return call('HGETALL', T .. ':sizes')
