-- KEYS: any. Gives what the server says of its persistence and its memory.
return {redis.call('INFO', 'persistence'), redis.call('INFO', 'memory')}
