"""`make chaos`: Welcome Packs are asked for while everything is killed; nothing may be lost or doubled (R38)."""
